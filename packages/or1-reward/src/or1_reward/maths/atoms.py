"""The atoms of the grammar: numbers, symbols, brackets, functions, fractions, roots, sums, matrices, text."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from or1_reward.maths import bars, grammar
from or1_reward.maths.calculus import CalculusParser
from or1_reward.maths.measures import TEXT_KINDS, MeasureParser
from or1_reward.maths.nodes import Node, num, quotient, sym
from or1_reward.maths.numbers import exact_number
from or1_reward.maths.tokens import ParseError, Token
from or1_reward.maths.words import COUNTS


def _binomial(top: Node, bottom: Node) -> Node:
    return Node("binom", (top, bottom))


def split_at_colon(chain: Node) -> tuple[Node, Node] | None:
    r"""`x \in \mathbb{Z} : 0 < x` apart, where the colon has bound tighter than the relations; None without one."""
    at = next((at for at, part in enumerate(chain.args) if part.op == "ratio" and len(part.args) == 2), None)
    if at is None:
        return None
    relations, (before, behind) = str(chain.value).split(), chain.args[at].args
    halves = ((*chain.args[:at], before), relations[:at]), ((behind, *chain.args[at + 1 :]), relations[at:])
    first, second = (Node("chain", tuple(args), " ".join(signs)) if signs else args[0] for args, signs in halves)
    return first, second


class AtomParser(MeasureParser):
    """Atoms, their subscripts, exponents and postfixes."""

    @abstractmethod
    def listing(self) -> Node:
        """A list of elements."""

    @abstractmethod
    def sum(self) -> Node:
        """A sum of terms."""

    def starts_factor(self, token: Token) -> bool:
        """Whether a token can begin a factor that stands beside another."""
        if token.kind in ("num", "sym"):
            return True
        if token.kind == "name":
            return token.text not in ("and", "or", "union", "Union", "mod")
        if token.kind == "op":
            return token.text in ("(", "[", "{", "\\{", bars.OPEN)
        if token.kind != "macro":
            return False
        name = token.text[1:]
        return (
            (name in grammar.GREEK and not self.is_closing(name))
            or name in self.STARTERS
            or name in self.BINDERS
            or name.startswith("begin{")
        )

    def atom(self) -> Node:
        """One atom; see the module."""
        token = self.advance()
        if token.kind == "num":
            return self.number(token.text)
        if token.kind == "sym":
            return self.letter(token.text)
        if token.kind == "name":
            return self.named(token.text)
        if token.kind == "macro":
            return self.macro(token.text[1:])
        if token.kind in TEXT_KINDS:
            return self.words(token)
        return self.bracketed(token.text)

    def number(self, text: str) -> Node:
        """A literal; digits with a subscript are written in that base (`4343_6`)."""
        node = num(exact_number(text))
        if self.peek().text == "_" and not self.peek().spaced:
            self.advance()
            base = self.argument()
            if base.op == "text" and base.value in COUNTS:
                base = num(COUNTS.index(str(base.value)))
            return Node("base", (node, base))
        if marks := self.primes():
            return Node("unit", (node,), marks)
        overline = self.peek().text in ("\\overline", "\\bar", "\\dot") and "." in text and not self.peek().spaced
        return self.repeating(text) if overline else node

    def bracketed(self, opener: str) -> Node:
        r"""`( ) [ ] { } \{ \} | |` and half-open intervals."""
        if opener == bars.OPEN:
            return self.bars_of(bars.CLOSE)
        if opener not in grammar.CLOSERS:
            raise ParseError(f"unexpected {opener!r}")
        closers = grammar.CLOSERS[opener]
        if self.peek().text in closers:
            closer = self.advance().text
            return grammar.EMPTY_SET if opener in ("\\{", "{") else Node("tuple" if closer == ")" else "bracket", ())
        node = self.listing()
        if opener == "{" and self.peek().text in ("\\choose", "\\over"):
            made = quotient if self.advance().text == "\\over" else _binomial
            node = made(node, self.listing())
        if opener == "\\{" and self.peek().text in ("|", "\\mid"):
            self.advance()
            node = Node("setof", (node, self.listing()))
        closer = self.advance().text
        if closer not in closers:
            raise ParseError(f"{opener!r} closed by {closer!r}")
        return self.enclosed(opener, node, closer)

    def enclosed(self, opener: str, node: Node, closer: str) -> Node:
        """What a pair of brackets makes of its contents."""
        elements = node.args if node.op == "list" else (node,)
        if opener == "\\{":
            return self.set_of(node, elements)
        if opener == "{":
            return node  # TeX's braces are invisible: `{1, 2}` is the list `1, 2`
        if (opener, closer) not in (("(", ")"), ("[", "]")):
            if len(elements) != 2:
                raise ParseError("an interval has two ends")
            return Node("interval", elements, opener + closer)
        if node.op != "list":
            return node
        if (
            opener == "["
            and node.value == "rows"
            and len({part.op == "tuple" and len(part.args) for part in elements}) == 1
        ):
            return Node("matrix", tuple(Node("row", part.args) for part in elements))
        return Node("tuple" if opener == "(" else "bracket", elements)

    def set_of(self, node: Node, elements: tuple[Node, ...]) -> Node:
        r"""`\{ ... \}`: elements, or a condition behind `|` or `:`."""
        if node.op == "setof":
            return node
        if node.op == "ratio" and len(node.args) == 2 and node.args[1].op == "chain":
            return Node("setof", node.args)
        first = elements[0]
        if first.op == "chain" and (parts := split_at_colon(first)) is not None:
            condition = parts[1] if len(elements) == 1 else Node("list", (parts[1], *elements[1:]), node.value)
            return Node("setof", (parts[0], condition))
        return Node("set", elements)

    def macro(self, name: str) -> Node:
        """A LaTeX command."""
        if name in grammar.FRACTIONS:
            return self.fraction()
        if name in grammar.CONSTANTS:
            return grammar.CONSTANTS[name]
        if name in ("emptyset", "varnothing"):
            return grammar.EMPTY_SET
        if name in grammar.MACRO_FUNCTIONS:
            return self.function(name)
        if name in grammar.GREEK:
            return self.indexed(grammar.greek(name))
        if name.startswith("begin{"):
            return self.environment(name[6:-1])
        handler = self.BINDERS.get(name) or self.HANDLERS.get(name)
        if handler is None:
            raise ParseError(f"unknown macro \\{name}")
        return handler(self)

    BINDERS: ClassVar[dict[str, Callable[[Any], Node]]] = {
        "sum": lambda self: self.big_operator("sum"),
        "prod": lambda self: self.big_operator("prod"),
        "int": CalculusParser.integral,
        "lim": CalculusParser.limit,
        "langle": CalculusParser.angle_brackets,
    }

    def fraction(self) -> Node:
        r"""`\frac{a}{b}`, `\frac12`, and the derivative `\frac{d}{dx}`."""
        top, bottom = self.argument(), self.argument()
        variable = self.differential(top, bottom)
        if variable is not None:
            return Node("diff", (self.product_of_body(), variable))
        return self.derivative(top, bottom) or quotient(top, bottom)

    def argument(self) -> Node:
        """What a macro takes: a group, or one digit, letter or macro."""
        token = self.peek()
        if token.kind == "num" and len(token.text) > 1:
            self.replace(Token("num", token.text[1:], False))
            return num(exact_number(token.text[0])) if token.text[0] != "." else self.reject(".")
        if token.kind == "num":
            return num(exact_number(self.advance().text))
        if token.kind == "op" and token.text == "{":
            self.advance()
            return self.group()
        if token.kind == "sym":
            self.advance()  # TeX takes one letter: \binom n2, \frac a2, \sum^n_{k=1}
            return grammar.CONSTANTS.get(token.text) or sym(token.text)
        return self.atom()

    def group(self) -> Node:
        """The contents of `{ }` behind a macro; commas in it are a list, not a set."""
        if self.peek().text == "}":
            raise ParseError("empty group")
        node = self.listing()
        if self.advance().text != "}":
            raise ParseError("missing }")
        return node

    def postfix(self, node: Node) -> Node:
        """`! ^ % ° '` and units behind an atom."""
        while True:
            token = self.peek()
            if token.text == "!" and token.kind == "op":
                node = Node(self.factorials(), (node,))
            elif token.text in ("^", "**") and token.kind == "op":
                self.advance()
                node = self.raised(node)
            elif token.text == "_" and node.op == "pow" and node.args[0].op in ("sym", "app"):
                self.advance()  # v^2_0 is (v_0)^2
                node = Node("pow", (Node("idx", (node.args[0], self.argument())), node.args[1]))
            elif token.text in ("%", "\\%") or (
                token.kind == "text" and token.text in ("pct", "percent", "percentage", "per cent")
            ):
                self.advance()
                node = Node("pct", (node,))
            elif token.text in ("\\degree", "\\textdegree") or (
                token.kind == "text" and token.text in ("deg", "degrees", "degree")
            ):
                self.advance()
                node = Node("deg", (node,))
            else:
                return node

    def factorials(self) -> str:
        """`5!!` is a double factorial, `(5!)!` and `5!!!` are factorials of factorials."""
        self.advance()
        if (
            self.peek().text == "!"
            and not self.peek().spaced
            and self.peek(1).text != "!"
            and self.peek(-2).text != "!"
        ):
            self.advance()
            return "fact2"
        return "fact"

    def raised(self, base: Node) -> Node:
        r"""`base^exponent`; `^\circ` is a degree, exponents may carry a sign without braces."""
        if self.peek().text == "\\circ" or [self.peek(at).text for at in range(3)] == ["{", "\\circ", "}"]:
            for _ in range(3 if self.peek().text == "{" else 1):
                self.advance()
            scale = self.peek().kind in ("sym", "text") and self.peek().text in ("C", "F")
            return Node("unit", (base,), f"°{self.advance().text}") if scale else Node("deg", (base,))
        minus = False
        while self.peek().kind == "op" and self.peek().text in "+-":
            minus ^= self.advance().text == "-"
        if self.peek().text == "{":
            self.advance()
            exponent = self.group()
        else:
            digits = self.peek().kind == "num"
            exponent = num(exact_number(self.advance().text)) if digits else self.atom()
            if self.peek().text in ("^", "**"):
                self.advance()
                exponent = self.raised(exponent)
            elif self.peek().text == "!":
                exponent = self.postfix(exponent)
        if minus:
            exponent = Node("mul", (num(-1), exponent)) if exponent.op != "num" else num(-exponent.value)  # type: ignore[operator]
        return Node("pow", (base, exponent))

    def repeating(self, text: str) -> Node:
        r"""`0.1\overline{6}` as a fraction."""
        self.advance()
        if self.peek().text == "{":
            self.advance()
        period = self.advance().text
        if self.peek().text == "}":
            self.advance()
        if not period.isdigit():
            raise ParseError("a period is made of digits")
        places = len(text.partition(".")[2])
        tail = exact_number(period) / ((10 ** len(period) - 1) * 10**places)
        return num(exact_number(text) + tail)

    def reject(self, text: str) -> Node:
        """Refuse a token."""
        raise ParseError(f"unexpected {text!r}")
