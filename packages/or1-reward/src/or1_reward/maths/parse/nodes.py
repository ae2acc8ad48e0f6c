"""The small syntax tree that both sides of a comparison are parsed into.

One immutable node type; `op` says what it is, from this closed list:

    values      num (value: Fraction), sym (value: name), const (value: pi, e, i, inf), add, mul, pow, fn (value: name),
                fact, fact2 (n!!), abs, floor, ceil, binom, log (argument, base), pct, deg, app (value: name; opaque
                function), sum/prod (body, variable, low, high), int (body, variable[, low, high]), diff (body,
                variable), lim (body, variable, target; value: direction), matrix (rows of row nodes), pm (+-, value:
                sign), idx
    structures  list, tuple, bracket ([a, b]), interval (value: its two brackets), set, setof, union, inter, minus,
                chain (value: relations between its members, blanks between), ratio, text (value), unit (value), base
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

from or1_reward.maths.budget import spend


class Node(NamedTuple):
    """One node; `value` holds what the docstring of the module says for its `op`."""

    op: str
    args: tuple[Node, ...] = ()
    value: Fraction | str | None = None


STRUCTURES: Final = frozenset(
    [
        "list",
        "tuple",
        "bracket",
        "interval",
        "set",
        "setof",
        "union",
        "inter",
        "minus",
        "chain",
        "ratio",
        "text",
        "unit",
        "base",
        "matrix",
        "pm",
    ]
)


def num(value: int | Fraction) -> Node:
    """An exact number."""
    return Node("num", (), Fraction(value))


def sym(name: str) -> Node:
    """A symbol."""
    return Node("sym", (), name)


ZERO: Final = num(0)
ONE: Final = num(1)
MINUS_ONE: Final = num(-1)
PI: Final = Node("const", (), "pi")
E: Final = Node("const", (), "e")
I: Final = Node("const", (), "i")  # noqa: E741  the field's name
INFINITY: Final = Node("const", (), "inf")


def negative(node: Node) -> Node:
    """Minus `node`, folded into numbers."""
    if isinstance(node.value, Fraction) and node.op == "num":
        return Node("num", (), -node.value)
    if node.op in ("unit", "deg", "pct"):  # what is said of the value is said of its negative
        return Node(node.op, (negative(node.args[0]),), node.value)
    return Node("mul", (MINUS_ONE, node))


def inverse(node: Node) -> Node:
    """One over `node`, folded into numbers."""
    if node.op == "num" and isinstance(node.value, Fraction) and node.value:
        return Node("num", (), 1 / node.value)
    return Node("pow", (node, MINUS_ONE))


def quotient(top: Node, bottom: Node) -> Node:
    """`top / bottom`, folded into numbers."""
    if top.op == "num" and bottom.op == "num" and isinstance(top.value, Fraction) and bottom.value:
        return Node("num", (), top.value / bottom.value)  # type: ignore[operator]
    return Node("mul", (top, inverse(bottom)))


def walk(node: Node) -> list[Node]:
    """Every node of the tree, root first."""
    found, todo = [], [node]
    while todo:
        current = todo.pop()
        found.append(current)
        todo.extend(current.args)
        if len(found) % _LARGE == 0:
            spend(_LARGE >> 3)
    return found


_LARGE: Final = 256


MOST_NODES: Final = 20_000
"""Of what is put together from parts that stand in it several times (`size_of`)."""


def size_of(node: Node) -> int:
    """Number of nodes; one that stands in several places counts in each, and is looked at once.

    Products of matrices double what they multiply: 40 of them are a small object, and a tree without end for whoever
    walks, compares or hashes it.
    """
    sizes: dict[int, int] = {}

    def of(part: Node) -> int:
        if id(part) not in sizes:
            spend()
            sizes[id(part)] = 1 + sum(map(of, part.args))
        return sizes[id(part)]

    return of(node)


def symbols(node: Node) -> frozenset[str]:
    """Names of the symbols (and of indexed symbols and opaque applications) that `node` depends on."""
    if node.op == "sym":
        return frozenset((str(node.value),))
    if node.op in ("idx", "app"):
        inner = node.args[1:] if node.op == "idx" else node.args
        return frozenset((text_of(node),)).union(*map(symbols, inner))
    if node.op == "int" and len(node.args) == 2:  # indefinite: a function of its variable
        return symbols(node.args[0]) | symbols(node.args[1])
    if node.op in ("sum", "prod", "int", "lim") and len(node.args) > 1:
        body, variable, *bounds = node.args
        outside = frozenset[str]().union(*(symbols(bound) for bound in bounds))
        return (symbols(body) - symbols(variable)) | outside
    return frozenset[str]().union(*map(symbols, node.args))


def substituted(node: Node, variable: Node, value: Node) -> Node:
    """The tree with `value` for every free occurrence of the symbol `variable`."""
    if node == variable:
        return value
    if not node.args:
        return node
    if node.op in ("sum", "prod", "int", "lim") and len(node.args) > 1 and node.args[1] == variable:
        bounds = tuple(substituted(part, variable, value) for part in node.args[2:])
        return node._replace(args=(*node.args[:2], *bounds))
    return node._replace(args=tuple(substituted(part, variable, value) for part in node.args))


def text_of(node: Node) -> str:
    """A spelling of the tree that is equal for equal trees."""
    if isinstance(node.value, Fraction):
        return number_text(node.value)
    if node.op in ("sym", "const"):
        return str(node.value)
    head = node.op if node.value is None else f"{node.op}:{node.value}"
    return f"{head}({','.join(map(text_of, node.args))})"


def mentions(node: Node, ops: frozenset[str]) -> bool:
    """Whether any node of the tree is one of `ops`."""
    return any(part.op in ops for part in walk(node))


def number_text(value: Fraction) -> str:
    """A spelling of a number of any size; CPython refuses to print the largest ones in decimal."""
    if value.numerator.bit_length() + value.denominator.bit_length() < _DECIMAL_BITS:
        return str(value)
    return f"{value.numerator:x}/{value.denominator:x}"


_DECIMAL_BITS: Final = 8_000
