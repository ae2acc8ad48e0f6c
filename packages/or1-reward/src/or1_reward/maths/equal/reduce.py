"""What an answer says once names, units and signs that can be read two ways are taken off it."""

from __future__ import annotations

from itertools import pairwise, product
from typing import Final, NamedTuple

from or1_reward.maths.equal import exact, numeric
from or1_reward.maths.parse.nodes import MINUS_ONE, Node, mentions, symbols, text_of, walk

_NAME_OPS: Final = frozenset(("sym", "idx", "app", "text"))
_NAMING_FUNCTIONS: Final = frozenset(["det", "gcd", "lcm", "max", "min", "arg", "Re", "Im"])
_PM: Final = frozenset(("pm",))
_EQUALITIES: Final = frozenset(("=", "~"))
_ORDERS: Final = frozenset(("<", ">", "<=", ">=", "!="))


class ContradictionError(ValueError):
    """An answer that asserts two different things at once (`41 = 42`)."""


class Named(NamedTuple):
    """`name = value`; `name` is None where the answer is a value alone."""

    name: Node | None
    value: Node


def is_name(node: Node) -> bool:
    """Whether a left-hand side only names what stands on the right: `x`, `f(x)`, `AB`, `a_n`, `(x, y)`, `V_1 : V_2`."""
    if node.op in _NAME_OPS:
        return True
    if node.op in ("tuple", "list", "ratio", "abs"):
        return bool(node.args) and all(map(is_name, node.args))
    if node.op == "fn":
        return node.value in _NAMING_FUNCTIONS and all(is_name(part) for part in node.args)
    return node.op == "mul" and (all(part.op in _NAME_OPS for part in node.args) or all(map(_is_segment, node.args)))


def _is_segment(node: Node) -> bool:
    r"""Whether a node is a length named by its ends, or one over it: `\frac{NO}{BO}` names a ratio."""
    if node.op == "pow" and node.args[1] == MINUS_ONE:
        node = node.args[0]
    letters = node.args if node.op == "mul" else (node,)
    return all(part.op in ("sym", "idx") and text_of(part).lstrip("idx(")[:1].isupper() for part in letters)


def relations(chain: Node) -> list[str]:
    """The relations of a chain."""
    return str(chain.value).split()


def is_order(node: Node) -> bool:
    """Whether a node is a chain of inequalities."""
    return node.op == "chain" and all(relation in _ORDERS for relation in relations(node))


def is_equation(node: Node) -> bool:
    """Whether a node is a chain of equalities and approximations."""
    return node.op == "chain" and all(relation in _EQUALITIES for relation in relations(node))


def named(node: Node) -> Named:
    r"""Split `name = value` and `name \in set`; chains of equal values are brought to their exact one.

    Raises:
        ContradictionError: a plain number in the chain is another one than its last member.
    """
    if node.op == "list" and node.args[0].op == "chain" and node.value is None:
        return Named(None, node)
    if _is_labeled_point(node):
        return Named(node.args[0], node.args[1])
    if node.op != "chain":
        return Named(None, node)
    signs = relations(node)
    if signs == ["in"] and is_name(node.args[0]):
        return Named(node.args[0], node.args[1])
    if not is_equation(node):
        return Named(None, node)
    members, name = list(node.args), None
    if is_name(members[0]):
        name, members, signs = members[0], members[1:], signs[1:]
    elif is_name(members[-1]) and len(members) == 2 and signs == ["="]:
        return Named(members[1], members[0])
    value = _chain_value(members, signs, named=name is not None)
    return Named(name, value) if value is not None else Named(None, node)


def _is_labeled_point(node: Node) -> bool:
    """Whether a node is `A(1, 2)`, the point A with its coordinates."""
    if node.op != "mul" or len(node.args) != 2 or node.args[1].op != "tuple":
        return False
    name = node.args[0]
    letter = name.args[0] if name.op == "idx" else name
    return letter.op == "sym" and len(node.args[1].args) > 1 and str(letter.value).rstrip("'").isupper()


def approximated(node: Node) -> tuple[Node, Node] | None:
    r"""The exact value and its approximation in `4\pi \approx 12.57`; None of anything else."""
    if node.op != "chain":
        return None
    signs = relations(node)
    if "~" not in signs or any(sign not in _EQUALITIES for sign in signs):
        return None
    at = signs.index("~")
    return node.args[at], node.args[at + 1]


def _chain_value(members: list[Node], signs: list[str], *, named: bool) -> Node | None:
    """What a chain of equal values ends in, before the first ≈; None for an equation between different expressions.

    A slip on the way (`3+3 = 2`) leaves the value that is stated at the end; a plain number that differs from it is a
    second answer. What only calculus can evaluate is believed.
    """
    if "~" in signs:
        members = members[: signs.index("~") + 1]
    if any(member.op == "num" and not symbols(members[-1]) and not _agree(member, members[-1]) for member in members):
        raise ContradictionError("a chain of different numbers")
    if named and not symbols(members[-1]):
        return members[-1]  # `A = \pi r^2 = 9\pi`
    for left, right in pairwise(members):
        free = symbols(left) | symbols(right)
        if free and _agree(left, right) is not True:
            return None
    return members[-1]


def _agree(left: Node, right: Node) -> bool | None:
    equal = exact.same(left, right)
    return numeric.compare(left, right) if equal is None else equal


def alternatives(node: Node) -> tuple[Node, ...]:
    """The values that ± stands for, all ± of one expression taken together (± is +, ∓ is -, then the other way)."""
    if not mentions(node, _PM):
        return (node,)
    return tuple(_signed(node, upper) for upper in (True, False))


def _signed(node: Node, upper: bool) -> Node:
    if node.op == "pm":
        inner = _signed(node.args[0], upper)
        return inner if (node.value == "pm") == upper else Node("mul", (MINUS_ONE, inner))
    return node._replace(args=tuple(_signed(part, upper) for part in node.args))


def all_signs(node: Node, found: tuple[Node, ...], count: int) -> tuple[Node, ...]:
    """The members of a list with as many choices of signs as give `count` of them; `found` where none do."""
    if not mentions(node, _PM):
        return found
    parts = node.args if node.op in ("list", "set") else (node,)
    own = all(map(_signs_are_independent, parts))
    for choices in (independent_alternatives,) if own else (alternatives, independent_alternatives):
        written = tuple(one for part in parts for one in choices(part))
        if len(written) == count and not any(mentions(one, _PM) for one in written):
            return written
    return found


def _signs_are_independent(node: Node) -> bool:
    r"""Whether ± stands twice in one sum, once in front: `\pm 1 \pm \sqrt2` has four values, `\pm(1+\sqrt2)` two."""
    if node.op != "add" or node.args[0].op != "pm":
        return False
    signs = [part.value for part in walk(node) if part.op == "pm"]
    return 1 < len(signs) <= _MOST_SIGNS and "mp" not in signs


def independent_alternatives(node: Node) -> tuple[Node, ...]:
    """The values that a node stands for when each ± is chosen by itself."""
    places = sum(part.op == "pm" for part in walk(node))
    if places == 0 or places > _MOST_SIGNS:
        return (node,)
    return tuple(_chosen(node, list(signs))[0] for signs in product((True, False), repeat=places))


def _chosen(node: Node, signs: list[bool]) -> tuple[Node, list[bool]]:
    if node.op == "pm":
        upper, *rest = signs
        inner, rest = _chosen(node.args[0], rest)
        return (inner if upper else Node("mul", (MINUS_ONE, inner))), rest
    parts = []
    for part in node.args:
        chosen, signs = _chosen(part, signs)
        parts.append(chosen)
    return node._replace(args=tuple(parts)), signs


_MOST_SIGNS: Final = 4


def elements(node: Node) -> tuple[Node, ...]:
    """The members of a list or set, ± written out; of anything else, itself."""
    parts = node.args if node.op in ("list", "set") else (node,)
    found: list[Node] = []
    for part in parts:
        if part.op == "chain" and mentions(part, _PM):
            found.extend(alternatives(part))
        elif part.op in ("tuple", "bracket", "interval", "matrix") or not mentions(part, _PM):
            found.append(part)
        else:
            found.extend(independent_alternatives(part) if _signs_are_independent(part) else alternatives(part))
    return tuple(found)
