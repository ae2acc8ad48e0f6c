r"""Families of answers with a parameter: `\frac\pi4 + k\pi` is `\frac\pi4 + n\pi`, `x^2 + C` is `x^2 + 1 + C`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from or1_reward.maths.parse.nodes import Node, negative, num, substituted, sym, symbols

_SHIFTS: Final = (0, 1, -1, 2, -2)
_CONSTANTS: Final = frozenset(("C", "c", "K"))


class Family(NamedTuple):
    """Letters that the answer, and the gold, declare as whole numbers and as arbitrary constants."""

    whole: tuple[frozenset[str], frozenset[str]]
    constants: tuple[frozenset[str], frozenset[str]]


_NONE: Final = frozenset[str]()
NO_FAMILY: Final = Family((_NONE, _NONE), (_NONE, _NONE))


def renamed(answer: Node, gold: Node, family: Family) -> Iterator[Node]:
    """The answer in the gold's parameter, and for whole parameters shifted and turned around."""
    whole, constants = family
    mine, other = symbols(answer), symbols(gold)
    extra, missing = sorted(mine - other), sorted(other - mine)
    if len(extra) != len(missing) or len(extra) > 1:
        return
    if not extra:
        for name in sorted((whole[0] | whole[1]) & mine):
            yield from (substituted(answer, sym(name), variant) for variant in _variants(name) if variant != sym(name))
        return
    (old,), (new,) = extra, missing
    declared = old in whole[0] or new in whole[1]
    if declared and not (old in constants[0] or new in constants[1]):
        yield from (substituted(answer, sym(old), variant) for variant in _variants(new))
    elif old in constants[0] or new in constants[1]:
        yield substituted(answer, sym(old), sym(new))


def _variants(name: str) -> Iterator[Node]:
    for shift in _SHIFTS:
        for parameter in (sym(name), negative(sym(name))):
            yield Node("add", (parameter, num(shift))) if shift else parameter


def over_integers(builder: Node) -> tuple[Node, str, str] | None:
    r"""Element, parameter and set of `\{2k+1 : k \in \mathbb{Z}\}`; None of other set builders."""
    if builder.op != "setof":
        return None
    element, condition = builder.args
    if condition.op != "chain" or condition.value != "in" or len(condition.args) != 2:
        return None
    parameter, domain = condition.args
    whole = domain.op == "text" and str(domain.value).startswith(("integers", "naturals"))
    if not whole or parameter.op != "sym" or parameter.value not in symbols(element):
        return None
    return element, str(parameter.value), str(domain.value)


def without_constant(node: Node) -> tuple[Node, str] | None:
    """A sum without its constant of integration, and the name of that."""
    if node.op != "add":
        return None
    names = [part for part in node.args if part.op == "sym" and part.value in _CONSTANTS]
    if len(names) != 1:
        return None
    rest = tuple(part for part in node.args if part is not names[0])
    if names[0].value in symbols(Node("add", rest)):
        return None
    return (rest[0] if len(rest) == 1 else Node("add", rest)), str(names[0].value)
