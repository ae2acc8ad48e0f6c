r"""Families of answers with a parameter: `\frac\pi4 + k\pi` is `\frac\pi4 + n\pi`, `x^2 + C` is `x^2 + 1 + C`."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Final, NamedTuple

from or1_reward.maths.parse.nodes import Node, negative, num, substituted, sym, symbols, text_of, walk

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


_LETTERS_FOR_CONSTANTS: Final = frozenset("ABCDKkc")
_VARIABLES: Final = frozenset("xt")
_MOST_CONSTANTS: Final = 3


def constants_renamed(answer: Node, gold: Node) -> Iterator[Node]:
    r"""The constants of a general solution under the gold's names: `Ae^x + Be^{-x}` for `C_1e^x + C_2e^{-x}`.

    Only where the gold's constants are called C and all else in it is one variable: `\frac{Q}{C}` is no such solution.
    """
    mine, wanted = _constants(answer), _constants(gold)
    others = [symbols(side) - {text_of(one) for one in named} for side, named in ((answer, mine), (gold, wanted))]
    if others[0] != others[1] or len(others[0]) != 1 or not others[0] <= _VARIABLES or mine == wanted:
        return
    if not 0 < len(mine) == len(wanted) <= _MOST_CONSTANTS or not all(_is_called_c(one) for one in wanted):
        return
    places = [Node("sym", (), f"constant {at}") for at in range(len(mine))]
    for order in permutations(wanted):
        node = answer
        for one, place in zip(mine, places, strict=True):
            node = substituted(node, one, place)
        for place, name in zip(places, order, strict=True):
            node = substituted(node, place, name)
        yield node


def _constants(node: Node) -> list[Node]:
    indexed = [
        part for part in walk(node) if part.op == "idx" and _is_letter(part.args[0]) and part.args[1].op == "num"
    ]
    inside = {id(part.args[0]) for part in indexed}
    plain = [part for part in walk(node) if _is_letter(part) and id(part) not in inside]
    return sorted({*indexed, *plain}, key=text_of)


def _is_letter(node: Node) -> bool:
    return node.op == "sym" and node.value in _LETTERS_FOR_CONSTANTS


def _is_called_c(node: Node) -> bool:
    return (node.args[0] if node.op == "idx" else node).value in ("C", "c")


def without_constant(node: Node) -> tuple[Node, str] | None:
    """A sum without its constant of integration, and the name of that."""
    if node.op != "add":
        return None
    names = [part for part in node.args if _is_constant(part)]
    if len(names) != 1:
        return None
    rest = tuple(part for part in node.args if part is not names[0])
    if text_of(names[0]) in symbols(Node("add", rest)):
        return None
    return (rest[0] if len(rest) == 1 else Node("add", rest)), text_of(names[0])


def _is_constant(node: Node) -> bool:
    r"""Whether a term is a constant of integration (`C`, `C_1`, `\text{const}`)."""
    if node.op == "text":
        return str(node.value).casefold().rstrip(".") in ("const", "constant")
    letter = node.args[0] if node.op == "idx" and node.args[1].op == "num" else node
    return letter.op == "sym" and letter.value in _CONSTANTS
