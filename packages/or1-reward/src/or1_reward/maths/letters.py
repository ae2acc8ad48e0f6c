"""Letters: constants, symbols with primes and indices, opaque functions."""

from __future__ import annotations

from or1_reward.maths import grammar
from or1_reward.maths.calculus import CalculusParser
from or1_reward.maths.nodes import Node, num, sym, text_of
from or1_reward.maths.numbers import exact_number

_INVERSE = ["^", "{", "-", "1", "}", "("]


class LetterParser(CalculusParser):
    """What begins with a letter."""

    def letter(self, name: str) -> Node:
        """A one-letter symbol: a constant, an opaque function of brackets behind it, an indexed symbol."""
        if name in ("e", "i") and self.peek().text != "_" and name not in self.bound:
            return grammar.CONSTANTS[name]
        node = self.indexed(sym(name))
        if name in grammar.OPAQUE_LETTERS and [self.peek(at).text for at in range(6)] == _INVERSE:
            for _ in range(5):
                self.advance()
            return self.applied(sym(f"{name}^-1"))
        if [self.peek(at).text for at in (0, 1)] == ["{", "("] and name in grammar.OPAQUE_LETTERS:
            return self.applied_in_braces(node)
        opaque = self.peek().text == "(" and not self.peek().spaced and self.is_function(name)
        return self.applied(node) if opaque else node

    def is_function(self, name: str) -> bool:
        """Whether a letter before a bracket names a function: `f(...)`, and a capital before a number, `P(0)`."""
        return name in grammar.OPAQUE_LETTERS or (
            name.isupper() and self.peek(1).kind == "num" and self.peek(2).text == ")"
        )

    def indexed(self, node: Node) -> Node:
        """Primes and a subscript in either order (`f'_1`, `f_1'`), and digits stuck to a letter (`x1`)."""
        name, index = str(node.value) + self.primes(), None
        token = self.peek()
        if token.text == "_":
            self.advance()
            index = self.subscript()
            name += self.primes()
        elif token.kind == "num" and not token.spaced and token.text.isdigit() and len(name) == 1:
            self.advance()
            index = num(exact_number(token.text))
        return sym(name) if index is None else Node("idx", (sym(name), index))

    def primes(self) -> str:
        r"""`'`, `^\prime`, `^{\prime\prime}`, as apostrophes."""
        found = ""
        while True:
            if self.peek().text == "'":
                self.advance()
            elif self.peek().text == "^" and self.peek(1).text == "\\prime":
                self.advance()
                self.advance()
            elif (count := self.braced_primes()) > 0:
                for _ in range(count + 3):
                    self.advance()
                found += "'" * (count - 1)
            else:
                return found
            found += "'"

    def braced_primes(self) -> int:
        r"""How many primes `^{\prime\prime}` ahead holds; 0 where something else is ahead."""
        if [self.peek(at).text for at in (0, 1)] != ["^", "{"]:
            return 0
        count = 0
        while self.peek(2 + count).text in ("\\prime", "'"):
            count += 1
        return count if self.peek(2 + count).text == "}" else 0

    def subscript(self) -> Node:
        r"""What stands below a letter: an index, or a function's name as a label (`m_{\max}`)."""
        label = [self.peek(at) for at in range(3)]
        if label[0].text == "{" and label[2].text == "}" and label[1].text.lstrip("\\") in grammar.MACRO_FUNCTIONS:
            for _ in range(3):
                self.advance()
            return sym(label[1].text.lstrip("\\"))
        return self.argument()

    def applied(self, name: Node) -> Node:
        """`f(x)`: an opaque function of its arguments."""
        self.advance()
        node = self.bracketed("(")
        return Node("app", node.args if node.op == "tuple" else (node,), text_of(name))

    def applied_in_braces(self, name: Node) -> Node:
        r"""`f{\left(x \right)}`: how sympy prints `f(x)`."""
        self.advance()
        node = self.applied(name)
        self.expect("}")
        return node
