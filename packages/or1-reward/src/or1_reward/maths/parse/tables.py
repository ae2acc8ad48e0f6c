"""Environments with rows: matrices, alignments, cases; determinants."""

from __future__ import annotations

from typing import Final

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import MOST_NODES, Node, num, size_of
from or1_reward.maths.parse.tokens import ParseError

_MAX_DETERMINANT: Final = 4
_MAX_DIAGONAL: Final = 12
_CONDITION_WORDS: Final = frozenset(("if", "for", "when", "where", "If", "For", "When", "若", "当"))
_OTHERWISE: Final = frozenset(("otherwise", "else", "Otherwise", "elsewhere", "其他"))


def environment(p: Cursor, name: str) -> Node:
    """Matrices and their relatives; alignments of one row are their content."""
    rows: list[Node] = []
    cells: list[Node] = []
    end = f"\\end{{{name}}}"
    if name not in grammar.MATRICES | grammar.ALIGNMENTS:
        raise ParseError(f"environment {name}")
    if name in grammar.ALIGNMENTS and name != "cases":
        without_marks(p, end)
    while p.peek().text != end:
        if p.peek().text == "\\hline":
            p.advance()
            continue
        if p.peek().kind in ("text", "word") and p.peek().text in _CONDITION_WORDS:
            p.advance()
        cells.append(p.rules.listing(p))
        separator = p.peek().text
        if separator == "&":
            p.advance()
        elif separator == "\\\\":
            p.advance()
            rows.append(Node("row", tuple(cells)))
            cells = []
        elif separator != end:
            raise ParseError(f"unexpected {separator!r} in a matrix")
    p.advance()
    if cells:
        rows.append(Node("row", tuple(cells)))
    return table(p, name, rows)


def table(p: Cursor, name: str, rows: list[Node]) -> Node:
    """What an environment makes of its rows."""
    if not rows or len({len(row.args) for row in rows}) != 1:
        raise ParseError("a matrix with uneven rows")
    if (name in grammar.ALIGNMENTS or name == "array") and all(_is_case(row) for row in rows):
        return Node("cases", tuple(rows))
    equations = all(row.args[0].op == "chain" for row in rows) and len(rows[0].args) == 1
    if equations or (len(rows) == 1 and name in grammar.ALIGNMENTS):
        return Node("list", tuple(row.args[0] for row in rows)) if len(rows) > 1 else rows[0].args[0]
    if name in grammar.ALIGNMENTS:
        return Node("app", tuple(rows), name)
    matrix = Node("matrix", tuple(rows))
    return determinant(tuple(row.args for row in rows)) if name == "vmatrix" else matrix


def without_marks(p: Cursor, end: str) -> None:
    """Take out the `&` at which an alignment's rows are lined up, beside a relation or at the beginning of a row."""
    stop = next((at for at in range(p.at, len(p.tokens)) if p.tokens[at].text == end), p.at)
    kept = [
        token
        for at, token in enumerate(p.tokens[p.at : stop], p.at)
        if token.text != "&" or not (_is_relation(p.tokens[at + 1].text) or _is_relation(p.tokens[at - 1].text))
    ]
    p.tokens = [*p.tokens[: p.at], *kept, *p.tokens[stop:]]


def _is_relation(text: str) -> bool:
    return text.lstrip("\\") in grammar.RELATIONS or text == "\\\\" or text.startswith("\\begin{")


def _is_case(row: Node) -> bool:
    """Whether a row is a value and the condition under which it holds."""
    if len(row.args) != 2:
        return False
    condition = row.args[1]
    parts = condition.args if condition.op == "list" else (condition,)
    return all(part.op == "chain" or (part.op == "text" and part.value in _OTHERWISE) for part in parts)


def diagonal(entries: tuple[Node, ...]) -> Node:
    r"""`\operatorname{diag}(1, 2)` written out."""
    if len(entries) > _MAX_DIAGONAL:
        raise ParseError("a diagonal of this size")
    size = range(len(entries))
    rows = (tuple(entries[row] if row == column else num(0) for column in size) for row in size)
    return Node("matrix", tuple(Node("row", row) for row in rows))


def transposed(node: Node) -> Node | None:
    """The transpose of a matrix, a row as a column; None of anything else."""
    if node.op in ("tuple", "bracket") and len(node.args) > 1:
        if all(part.op in ("tuple", "bracket") for part in node.args):
            node = Node("matrix", tuple(Node("row", part.args) for part in node.args))
        else:
            return Node("matrix", tuple(Node("row", (part,)) for part in node.args))
    if node.op != "matrix" or len({len(row.args) for row in node.args}) != 1:
        return None
    columns = zip(*(row.args for row in node.args), strict=True)
    return Node("matrix", tuple(Node("row", column) for column in columns))


def determinant(rows: tuple[tuple[Node, ...], ...]) -> Node:
    """The determinant of a small matrix, written out along its first row."""
    if len(rows) != len(rows[0]) or len(rows) > _MAX_DETERMINANT:
        raise ParseError("a determinant of this shape")
    written = _written_out(rows)
    if size_of(written) > MOST_NODES:  # entries of determinants in determinants are written six times each
        raise ParseError("a determinant with entries of this size")
    return written


def _written_out(rows: tuple[tuple[Node, ...], ...]) -> Node:
    if len(rows) == 1:
        return rows[0][0]
    terms = []
    for column, entry in enumerate(rows[0]):
        minor = _written_out(tuple(row[:column] + row[column + 1 :] for row in rows[1:]))
        terms.append(Node("mul", (num((-1) ** column), entry, minor)))
    return Node("add", tuple(terms))
