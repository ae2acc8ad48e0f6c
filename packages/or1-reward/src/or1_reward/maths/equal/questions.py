"""Small questions about trees that comparisons ask."""

from __future__ import annotations

from typing import Final

from or1_reward.maths.equal import exact, numeric
from or1_reward.maths.equal.polynomials import UndecidedError, numerator
from or1_reward.maths.equal.reduce import is_order, relations
from or1_reward.maths.parse.nodes import I, Node, mentions, negative, num, substituted, sym, symbols, text_of, walk

VECTORS: Final = frozenset(("tuple", "bracket"))
REAL_SETS: Final = frozenset(("interval", "union", "inter", "minus"))
_DEG: Final = frozenset(("deg",))
PM: Final = frozenset(("pm",))
CALCULUS: Final = frozenset(("int", "diff", "lim", "sum", "prod"))


def may_be_real_set(answer: Node, gold: Node) -> bool:
    """Whether one side is a set that is no mere collection of points, or a list of inequalities."""
    kinds = {answer.op, gold.op}
    listed = any(side.op == "list" and all(is_order(part) for part in side.args) for side in (answer, gold))
    return bool(kinds & (REAL_SETS | {"chain"})) or listed


def longest_reason(reasons: list[str]) -> str:
    """The longest reason: the one that had most to say."""
    return max(reasons, key=len, default="nothing to compare")


def words_of(node: Node) -> str:
    """Letters of a text or product, without case and blanks."""
    if node.op == "mul":
        return "".join(words_of(part) for part in node.args)
    return "".join(str(node.value).casefold().split()) if node.op in ("text", "sym", "const") else text_of(node)


def links(chain: Node) -> list[tuple[Node, str]]:
    """Each link as (the side that is larger minus the other, its sign without direction)."""
    found = []
    for left, right, sign in zip(chain.args, chain.args[1:], relations(chain), strict=False):
        large, small = (left, right) if sign[0] == ">" else (right, left)
        found.append((Node("add", (large, negative(small))), sign.replace(">", "<")))
    return found if relations(chain)[0][0] != ">" else found[::-1]


def ratio_sign(first: Node, second: Node, *, equation: bool = False) -> int | None:
    """Sign of the constant ratio of two expressions; 0 where the ratio is not constant."""
    try:
        left, right = exact.normal(first), exact.normal(second)
        if equation:
            left, right = numerator(left), numerator(right)
    except UndecidedError:
        return numeric.proportional(first, second)
    if left.keys() == right.keys() and left:
        ratios = {left[monomial] / right[monomial] for monomial in left}
        if len(ratios) == 1:
            return 1 if ratios.pop() > 0 else -1
    return numeric.proportional(first, second)


def vector(node: Node) -> tuple[Node, ...] | None:
    """Entries of a tuple, bracket, row or column; None of anything else."""
    if node.op in VECTORS:
        return node.args
    if node.op == "matrix" and len(node.args) == 1:
        return node.args[0].args
    if node.op == "matrix" and all(len(row.args) == 1 for row in node.args):
        return tuple(row.args[0] for row in node.args)
    return None


def pairs_of(first: Node, second: Node) -> tuple[tuple[Node, Node], tuple[Node, Node]]:
    """Each of two nodes with the other one."""
    return (first, second), (second, first)


def scaled_vector(node: Node) -> Node:
    r"""`\frac13(1, 2, 2)` with the number multiplied in; anything else as it is."""
    if node.op != "mul":
        return node
    vectors = [part for part in node.args if part.op == "tuple" and len(part.args) > 1]
    scalars = tuple(part for part in node.args if part not in vectors)
    if len(vectors) != 1 or not scalars or any(symbols(part) or part.op not in _SCALARS for part in scalars):
        return node
    return vectors[0]._replace(args=tuple(Node("mul", (*scalars, entry)) for entry in vectors[0].args))


_SCALARS: Final = frozenset(("num", "pow", "const", "mul"))


def with_identities(answer: Node, gold: Node) -> tuple[Node, Node]:
    """Both sides, the identity (`I`, `I_2`) written out where only the other side is a square matrix."""
    matrices = [side.op == "matrix" and len(side.args) == len(side.args[0].args) for side in (answer, gold)]
    if matrices[0] == matrices[1]:
        return answer, gold
    if matrices[0]:
        return answer, _identity_in(gold, len(answer.args))
    return _identity_in(answer, len(gold.args)), gold


def _identity_in(node: Node, size: int) -> Node:
    if holds_matrix(node):
        return node
    rows = (Node("row", tuple(num(int(row == column)) for column in range(size))) for row in range(size))
    identity = Node("matrix", tuple(rows))
    node = substituted(node, Node("idx", (sym("I"), num(size))), identity)
    return substituted(node, sym("I"), identity)


def nested_rows(answer: Node, gold: Node) -> tuple[Node, Node]:
    """`[[1, 2], [3, 4]]` as the matrix that the other side is."""
    sides = [_as_matrix(side) if {answer.op, gold.op} == {"bracket", "matrix"} else side for side in (answer, gold)]
    return sides[0], sides[1]


def _as_matrix(node: Node) -> Node:
    rows = node.op == "bracket" and all(part.op == "bracket" for part in node.args)
    if not rows or len({len(part.args) for part in node.args}) != 1:
        return node
    return Node("matrix", tuple(Node("row", part.args) for part in node.args))


def is_number_line(node: Node) -> bool:
    r"""Whether a node is `\mathbb{R}`, with or without a mark."""
    return node.op == "text" and str(node.value).startswith("reals")


def is_unknown(name: Node) -> bool:
    r"""Whether a left-hand side says which quantity is meant (`x`, `AB`, `\frac{dy}{dx}`), as `f(x)` and `y` do not."""
    return (
        name.op in ("sym", "idx")
        or (name.op == "mul" and all(part.op == "sym" for part in name.args))
        or (name.op == "app" and name.value == "mark" and name.args[0].op == "sym")
        or _is_rate(name)
    )


def same_unknown(first: Node, second: Node) -> bool:
    """Whether two of them are the same quantity, the ends of a segment in either order."""
    if first.op == second.op == "mul":
        return sorted(map(text_of, first.args)) == sorted(map(text_of, second.args))
    return first == second or (first.op != second.op and not (_is_rate(first) and _is_rate(second)))


def _is_rate(name: Node) -> bool:
    return name.op == "app" and name.value == "derivative"


def lenient(answer: Node, gold: Node) -> bool:
    """Whether exactly one side carries a percent sign, or a degree sign, also as a term of a sum."""
    percent, degrees = ((answer.op == op) != (gold.op == op) for op in ("pct", "deg"))
    return percent or degrees or ("add" in (answer.op, gold.op) and mentions(answer, _DEG) != mentions(gold, _DEG))


def without_degrees(node: Node) -> Node:
    r"""A sum of angles as numbers of degrees (`180^\circ - 2\alpha` as `180 - 2\alpha`); arguments keep theirs."""
    if node.op == "deg":
        return node.args[0]
    return node._replace(args=tuple(map(without_degrees, node.args))) if node.op in ("add", "mul") else node


def holds_matrix(node: Node) -> bool:
    """Whether a matrix stands anywhere in a tree."""
    return mentions(node, frozenset(("matrix",)))


def printed_imaginary(answer: Node, gold: Node) -> tuple[Node, Node]:
    """Sympy writes the imaginary unit as I: read it so where one side has a symbol I and only the other one has i."""
    for one, other in ((answer, gold), (gold, answer)):
        if "I" in symbols(one) and "I" not in symbols(other) and I in walk(other) and I not in walk(one):
            return _with_imaginary(answer), _with_imaginary(gold)
    return answer, gold


def same_imaginary(answer: Node, gold: Node) -> tuple[Node, Node]:
    r"""The same where the other side has neither (`e^{I \pi}` and -1); only digits are asked then."""
    if ("I" in symbols(answer)) != ("I" in symbols(gold)):
        return _with_imaginary(answer), _with_imaginary(gold)
    return answer, gold


def _with_imaginary(node: Node) -> Node:
    if node == Node("sym", (), "I"):
        return I
    return node._replace(args=tuple(map(_with_imaginary, node.args)))
