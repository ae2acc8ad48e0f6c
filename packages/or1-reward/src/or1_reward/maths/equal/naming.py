r"""Names on the left of `=` in the same letters: `(y, x)` and `(x, y)`, `AB` and `BA`, `f(x)` and `f(x)`."""

from __future__ import annotations

from or1_reward.maths.equal import exact
from or1_reward.maths.equal.reduce import Named
from or1_reward.maths.parse.nodes import Node, symbols, text_of

_ORDERED = frozenset(("tuple", "list", "ratio"))


def in_other_order(first: Node, second: Node) -> bool:
    """Whether two names are the same members in another order (`(y, x)`, `b:a`)."""
    return (
        first.op in _ORDERED
        and second.op in _ORDERED
        and sorted(map(text_of, first.args)) == sorted(map(text_of, second.args))
    )


def reordered(given: Named, asked: Named) -> tuple[Node, Node]:
    """The two values, the members of the first in the order of the second one's names."""
    names = [[text_of(part) for part in side.name.args] if side.name else [] for side in (given, asked)]
    value = given.value
    if value.op in ("tuple", "list", "ratio", "bracket") and len(value.args) == len(names[0]):
        value = value._replace(args=tuple(value.args[names[0].index(name)] for name in names[1]))
        return value, asked.value
    return Node("text", (), "values of names in another order"), asked.value


def same_quantity(first: Node, second: Node) -> bool:
    """Whether two names mean one quantity: a segment by its two ends, or equal expressions."""
    if first.op == second.op == "mul" and len(first.args) == len(second.args) == 2:
        return sorted(map(text_of, first.args)) == sorted(map(text_of, second.args))
    return first.op != second.op or exact.same(first, second) is True


def at_other_arguments(first: Node, second: Node) -> bool:
    """Whether two names are one function at two places (`f(2)` and `f(3)`); `f(x)` and `f(t)` are one name."""
    if first.op != "app" or second.op != "app" or first.value != second.value:
        return False
    parts = [part for side in (first, second) for part in side.args]
    return text_of(first) != text_of(second) and not any(map(symbols, parts))
