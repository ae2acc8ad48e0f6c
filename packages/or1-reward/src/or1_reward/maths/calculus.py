"""Sums, products, integrals, limits, derivatives and environments of the grammar."""

from __future__ import annotations

from typing import Final

from or1_reward.maths import grammar
from or1_reward.maths.functions import FunctionParser
from or1_reward.maths.nodes import Node, num, sym
from or1_reward.maths.tokens import ParseError, Token

_MAX_DETERMINANT: Final = 4
_CLOSING: Final = frozenset((")", "]", "}", "\\}"))


class CalculusParser(FunctionParser):
    """What binds a variable, and what has rows."""

    def bounds(self) -> tuple[Node | None, Node | None]:
        """Subscript and superscript in either order."""
        low = high = None
        for _ in range(2):
            if [self.peek(at).text for at in (1, 2)] == ["{", "}"] and self.peek().text in ("_", "^"):
                for _ in range(3):
                    self.advance()  # \int_{}^{}
            elif self.peek().text == "_" and low is None:
                self.advance()
                low = self.argument_chain()
            elif self.peek().text == "^" and high is None:
                self.advance()
                high = self.argument_chain()
        return low, high

    def argument_chain(self) -> Node:
        """An argument; `i` in it is an index, not the imaginary unit."""
        bound, self.bound = self.bound, self.bound | {"i", "e"} if self.peek(1).text == "i" else self.bound
        node = self.argument()
        self.bound = bound
        return node

    def big_operator(self, op: str) -> Node:
        r"""`\sum_{k=1}^{n} body`."""
        low, high = self.bounds()
        if low is None or low.op != "chain" or low.value != "=" or high is None or len(low.args) != 2:
            raise ParseError(f"{op} without bounds")
        variable = low.args[0]
        if variable.op != "sym":
            raise ParseError(f"{op} over something that is no variable")
        outer, self.bound = self.bound, self.bound | {str(variable.value)}
        body = self.product_of_body()
        self.bound = outer
        return Node(op, (body, variable, low.args[1], high))

    def product_of_body(self) -> Node:
        """What a big operator or a derivative applies to: one product."""
        self.enter()
        node = self.product()
        self.leave()
        return node

    def integral(self) -> Node:
        r"""`\int_a^b body \, dx`."""
        low, high = self.bounds()
        if (low is None) != (high is None):
            raise ParseError("an integral with one bound")
        self.unwrap_integrand()
        end = self.differential_at()
        if end is None:
            raise ParseError("an integral without a differential")
        variable = self.tokens[end + 1]
        body = self.until(end)
        self.advance()
        self.advance()
        node = sym(variable.text.lstrip("\\"))
        return Node("int", (body, node) if low is None or high is None else (body, node, low, high))

    def unwrap_integrand(self) -> None:
        r"""Take a differential out of brackets that hold it and the integrand: `\int (x dx)`, `\int \frac{dz}{z}`."""
        start = self.at + (self.peek().text.lstrip("\\") in grammar.FRACTIONS)
        end = self.closing(start)
        if end is None or end - start < 3 or self.tokens[end - 2][:2] != ("sym", "d"):
            return
        inside, differential = self.tokens[start + 1 : end - 2], self.tokens[end - 2 : end]
        if start == self.at:
            self.tokens = [*self.tokens[:start], *inside, *differential, *self.tokens[end + 1 :]]
        elif (bottom := self.closing(end + 1)) is not None:  # \frac{3 dz}{z}
            if inside and inside[-1].text.lstrip("\\") in grammar.TIMES:
                inside.pop()
            top = inside or [Token("num", "1", False)]
            rest = [*self.tokens[end : bottom + 1], *differential, *self.tokens[bottom + 1 :]]
            self.tokens = [*self.tokens[: start + 1], *top, *rest]

    def closing(self, start: int) -> int | None:
        """Where the bracket at `start` is closed, None where there is none."""
        depth = 0
        for at in range(start, len(self.tokens)):
            depth += (self.tokens[at].text in grammar.CLOSERS) - (self.tokens[at].text in _CLOSING)
            if depth <= 0:
                return at if at > start else None
        return None

    def differential_at(self) -> int | None:
        """Where the `d` of `dx` that closes this integral stands."""
        open_integrals = 1
        for at in range(self.at, len(self.tokens) - 1):
            token, after = self.tokens[at], self.tokens[at + 1]
            open_integrals += token.text in ("\\int",)
            letter = after.kind == "sym" or (after.kind == "macro" and after.text[1:] in grammar.GREEK)
            if token.text == "d" and token.kind == "sym" and letter:
                open_integrals -= 1
                if not open_integrals:
                    return at
        return None

    def until(self, end: int) -> Node:
        r"""Parse the tokens before `end` as a sum (`\int dx` is `\int 1 dx`)."""
        if self.at == end:
            return num(1)
        hidden, self.tokens = self.tokens, [*self.tokens[:end], self.tokens[-1]]
        try:
            node = self.sum()
            if self.at != end:
                raise ParseError("an integrand with a rest")
        finally:
            self.tokens = hidden
        return node

    def limit(self) -> Node:
        r"""`\lim_{x \to 3^+} body`."""
        if self.advance().text != "_":
            raise ParseError("a limit without a variable")
        stop, self.stop_at_arrow = self.stop_at_arrow, False
        self.expect("{")
        variable = self.atom()
        if grammar.RELATIONS.get(self.advance().text.lstrip("\\")) != "to" or variable.op != "sym":
            raise ParseError("a limit without an arrow")
        side = ""
        braces = self.peek().text == "{"
        if braces:
            self.advance()
        target = self.limit_target()
        if self.peek().text in ("+", "-") or (self.peek().text == "^" and self.peek(1).text in ("+", "-", "{")):
            side = "".join(self.advance().text for _ in range(2 if self.peek().text == "^" else 1)).strip("^")
            if side == "{":
                side = self.advance().text
                self.expect("}")
        for _ in range(1 + braces):
            self.expect("}")
        self.stop_at_arrow = stop
        return Node("lim", (self.product_of_body(), variable, target), side or "+-")

    def limit_target(self) -> Node:
        """What the variable tends to; a sign behind it is the direction, not an exponent."""
        if self.peek().text in ("+", "-"):
            minus = self.advance().text == "-"
            return Node("mul", (num(-1), self.atom())) if minus else self.atom()
        return self.atom() if self.peek(1).text in ("^", "+", "-", "}") else self.sum()

    def differential(self, top: Node, bottom: Node) -> Node | None:
        r"""The variable of `\frac{d}{dx}` where that is what was read."""
        if top not in (sym("d"), sym("partial")) or bottom.op != "mul" or len(bottom.args) != 2:
            return None
        mark, variable = bottom.args
        return variable if mark == top and variable.op == "sym" else None

    def derivative(self, top: Node, bottom: Node) -> Node | None:
        r"""`\frac{dy}{dx}` as a name, not a quotient of products with a letter d."""
        if top.op != "mul" or bottom.op != "mul" or len(top.args) != 2 or len(bottom.args) != 2:
            return None
        (mark, of), (other, variable) = top.args, bottom.args
        if mark not in (sym("d"), sym("partial")) or other != mark or variable.op != "sym":
            return None
        return Node("app", (of, variable), "derivative") if of.op == "sym" else Node("diff", (of, variable))

    def environment(self, name: str) -> Node:
        """Matrices and their relatives; alignments of one row are their content."""
        rows: list[Node] = []
        cells: list[Node] = []
        end = f"\\end{{{name}}}"
        if name not in grammar.MATRICES | grammar.ALIGNMENTS:
            raise ParseError(f"environment {name}")
        while self.peek().text != end:
            if self.peek().text == "\\hline":
                self.advance()
                continue
            cells.append(self.listing())
            separator = self.peek().text
            if separator == "&":
                self.advance()
            elif separator == "\\\\":
                self.advance()
                rows.append(Node("row", tuple(cells)))
                cells = []
            elif separator != end:
                raise ParseError(f"unexpected {separator!r} in a matrix")
        self.advance()
        if cells:
            rows.append(Node("row", tuple(cells)))
        return self.table(name, rows)

    def table(self, name: str, rows: list[Node]) -> Node:
        """What an environment makes of its rows."""
        if not rows or len({len(row.args) for row in rows}) != 1:
            raise ParseError("a matrix with uneven rows")
        equations = all(row.args[0].op == "chain" for row in rows) and len(rows[0].args) == 1
        if equations or (len(rows) == 1 and name in grammar.ALIGNMENTS):
            return Node("list", tuple(row.args[0] for row in rows)) if len(rows) > 1 else rows[0].args[0]
        if name in grammar.ALIGNMENTS:
            return Node("app", tuple(rows), name)
        matrix = Node("matrix", tuple(rows))
        return determinant(tuple(row.args for row in rows)) if name == "vmatrix" else matrix

    def determinant_of(self, matrix: Node) -> Node:
        r"""`\det` of a matrix that is written out."""
        return determinant(tuple(row.args for row in matrix.args))

    def angle_brackets(self) -> Node:
        r"""`\langle 1, 2 \rangle`: a vector."""
        node = self.listing()
        self.expect("\\rangle")
        return Node("tuple", node.args if node.op == "list" else (node,))


def determinant(rows: tuple[tuple[Node, ...], ...]) -> Node:
    """The determinant of a small matrix, written out along its first row."""
    if len(rows) != len(rows[0]) or len(rows) > _MAX_DETERMINANT:
        raise ParseError("a determinant of this shape")
    if len(rows) == 1:
        return rows[0][0]
    terms = []
    for column, entry in enumerate(rows[0]):
        minor = determinant(tuple(row[:column] + row[column + 1 :] for row in rows[1:]))
        terms.append(Node("mul", (num((-1) ** column), entry, minor)))
    return Node("add", tuple(terms))
