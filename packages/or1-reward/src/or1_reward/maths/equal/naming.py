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
    if "abs" in (first.op, second.op) and first.op != second.op:
        size, bare = (first, second) if first.op == "abs" else (second, first)
        return size.args[0] != bare or bare.op != "sym"  # `|y|` is not `y`, `|AB|` is the length AB
    return first.op != second.op or exact.same(first, second) is True


def composed_otherwise(first: Node, second: Node) -> bool:
    """Whether two names are compositions that differ (`f(g(x))` and `g(f(x))`)."""
    nested = [name.op == "app" and any(part.op == "app" for part in name.args) for name in (first, second)]
    return all(nested) and text_of(first) != text_of(second)


def same_function(first: Node, second: Node) -> tuple[str, str] | None:
    """The two letters where two names are one function of one letter each (`f(t)` and `f(x)`); None of other names."""
    if first.op != "app" or second.op != "app" or first.value != second.value or first.value in _NO_FUNCTIONS:
        return None
    arguments = [side.args[0] for side in (first, second) if len(side.args) == 1 and side.args[0].op == "sym"]
    if len(arguments) != 2 or arguments[0] == arguments[1]:
        return None
    return str(arguments[0].value), str(arguments[1].value)


_NO_FUNCTIONS = frozenset(("mark", "brace", "derivative"))


def same_index(first: Node, second: Node) -> bool:
    """Whether two names are equal, an index that only one side has aside."""
    sides = [name.args[0] if name.op == "idx" and name.args[1].op == "num" else name for name in (first, second)]
    if (sides[0] == first) == (sides[1] == second):
        return text_of(first) == text_of(second)
    return text_of(sides[0]) == text_of(sides[1])


_ALPHABETS = ("xyz", "abcdef", "pqr", "mn", "uv")


def ordered_by_name(parts: list[Named]) -> list[Node]:
    """The values in the order of their names in the alphabet where these are coordinates (`y = 2, x = 1`)."""
    names = [str(part.name.value) if part.name is not None and part.name.op == "sym" else "" for part in parts]
    if any("".join(sorted(names)) in alphabet for alphabet in _ALPHABETS) and all(names):
        return [part.value for _, part in sorted(zip(names, parts, strict=True), key=lambda pair: pair[0])]
    return [part.value for part in parts]


def at_other_arguments(first: Node, second: Node) -> bool:
    """Whether two names are one function at two places (`f(2)` and `f(3)`); `f(x)` and `f(t)` are one name."""
    if first.op != "app" or second.op != "app" or first.value != second.value:
        return False
    parts = [part for side in (first, second) for part in side.args]
    return text_of(first) != text_of(second) and not any(map(symbols, parts))
