r"""Vectors as sums of unit vectors: `\mathbf{i} + 2\mathbf{j} - 3\mathbf{k}` is `(1, 2, -3)`."""

from __future__ import annotations

from typing import Final

from or1_reward.maths.equal import exact
from or1_reward.maths.parse.nodes import I, Node, num, substituted, sym, symbols

_MARKED: Final = (sym("versi"), sym("versj"), sym("versk"))
_PLAIN: Final = (I, sym("j"), sym("k"))
_VECTORS: Final = frozenset(("tuple", "bracket", "matrix"))


def components(answer: Node, gold: Node) -> tuple[Node, Node]:
    r"""Both sides, with a sum of unit vectors replaced by the tuple of its components.

    That is done where both sides have `\versi`, `\versj` or `\versk`, or where the other side is a vector of 2 or 3
    components: there plain i, j, k are unit vectors, too.
    """
    size = max((_size(side) for side in (answer, gold)), default=0)
    marked = [not symbols(side).isdisjoint({"versi", "versj", "versk"}) for side in (answer, gold)]
    if all(marked):
        first, second = (_components(side, _MARKED, 3) for side in (answer, gold))
        return (answer, gold) if first is None or second is None else (first, second)
    if size not in (2, 3):
        return answer, gold
    sides = []
    for side, other, is_marked in ((answer, gold, marked[0]), (gold, answer, marked[1])):
        beside_vector = other.op in _VECTORS and side.op not in _VECTORS
        units = _MARKED if is_marked else _PLAIN
        sides.append((_components(side, units, size) if beside_vector else None) or side)
    return sides[0], sides[1]


def _size(node: Node) -> int:
    """Components of a tuple or bracket, the longer side of a matrix; 0 for anything else."""
    if node.op == "matrix":
        return max(len(node.args), len(node.args[0].args))
    return len(node.args) if node.op in _VECTORS else 0


def _components(node: Node, units: tuple[Node, ...], size: int) -> Node | None:
    """The first `size` coefficients of a sum of multiples of unit vectors.

    None where the node is no such sum, or has a component beyond `size`.
    """
    if exact.rational(_at(node, units, None)) != 0:
        return None
    parts = [_at(node, units, at) for at in range(3)]
    total = Node("add", tuple(Node("mul", pair) for pair in zip(parts, units, strict=True)))
    if exact.same(total, node) is not True or any(exact.rational(part) != 0 for part in parts[size:]):
        return None
    return Node("tuple", tuple(parts[:size]))


def _at(node: Node, units: tuple[Node, ...], one: int | None) -> Node:
    """The node with unit vector number `one` replaced by 1 and the others by 0; None: all by 0."""
    for at, unit in enumerate(units):
        node = substituted(node, unit, num(int(at == one)))
    return node
