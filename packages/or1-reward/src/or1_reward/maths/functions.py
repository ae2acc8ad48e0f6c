"""Functions, roots, bars, binomials, marks on letters and sets of numbers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from functools import reduce
from typing import Any, ClassVar, Final

from or1_reward.maths import grammar
from or1_reward.maths.cursor import Cursor
from or1_reward.maths.nodes import I, Node, inverse, num, quotient, sym
from or1_reward.maths.tokens import ParseError, Token

_OWN_NODES: Final = {"abs": "abs", "floor": "floor", "ceil": "ceil", "factorial": "fact"}
_HALF: Final = quotient(num(1), num(2))


class FunctionParser(Cursor):
    """Everything that begins with a name or a macro and takes arguments."""

    @abstractmethod
    def atom(self) -> Node: ...  # noqa: D102
    @abstractmethod
    def argument(self) -> Node: ...  # noqa: D102
    @abstractmethod
    def listing(self) -> Node: ...  # noqa: D102
    @abstractmethod
    def product(self) -> Node: ...  # noqa: D102
    @abstractmethod
    def sum(self) -> Node: ...  # noqa: D102
    @abstractmethod
    def power(self) -> Node: ...  # noqa: D102
    @abstractmethod
    def postfix(self, node: Node) -> Node: ...  # noqa: D102
    @abstractmethod
    def starts_factor(self, token: Token) -> bool: ...  # noqa: D102
    @abstractmethod
    def indexed(self, node: Node) -> Node: ...  # noqa: D102
    @abstractmethod
    def bracketed(self, opener: str) -> Node: ...  # noqa: D102
    @abstractmethod
    def raised(self, base: Node) -> Node: ...  # noqa: D102
    @abstractmethod
    def group(self) -> Node: ...  # noqa: D102

    def named(self, name: str) -> Node:
        """A plain word the grammar knows."""
        if name in grammar.CONSTANTS:
            return grammar.CONSTANTS[name]
        if name in grammar.GREEK:
            return self.indexed(grammar.greek(name))
        if name in ("sqrt", "root", "cbrt"):
            return self.root() if name != "cbrt" else Node("pow", (self.atom(), quotient(num(1), num(3))))
        if name == "frac":
            return quotient(self.argument(), self.argument())
        if name in grammar.SYMPY_CALLS:
            return self.sympy_call(name)
        if name in grammar.SET_OPERATORS or name in ("and", "or", "mod"):
            raise ParseError(f"unexpected {name!r}")
        return self.function(name)

    def sympy_call(self, name: str) -> Node:
        """`Matrix([[1, 2]])`, `Rational(1, 2)`, `Interval.Lopen(0, 1)`: answers printed by sympy."""
        brackets = self.open_ends() if name == "Interval" else ""
        self.expect("(")
        inner = self.bracketed("(")
        parts = inner.args if inner.op == "tuple" else (inner,)
        if name == "FiniteSet":
            return Node("set", parts)
        if name == "Matrix":
            return self.matrix_of(parts)
        if name in grammar.SYMPY_SETS and len(parts) > 1:
            return reduce(lambda left, right: Node(grammar.SYMPY_SETS[name], (left, right)), parts)
        if len(parts) != 2:
            raise ParseError(f"{name} takes two arguments")
        if name == "Rational":
            return quotient(*parts)
        return {
            "Interval": Node("interval", parts, brackets),
            "Eq": Node("chain", parts, "="),
        }.get(name, Node("binom", parts))

    def open_ends(self) -> str:
        """The brackets of `Interval`, `Interval.open`, `Interval.Lopen` and `Interval.Ropen`."""
        if self.peek().text != ".":
            return "[]"
        self.advance()
        word = ""
        while self.peek().kind in ("sym", "word", "name", "text"):
            word += self.advance().text
        if word not in grammar.OPEN_ENDS:
            raise ParseError(f"Interval.{word}")
        return grammar.OPEN_ENDS[word]

    def matrix_of(self, parts: tuple[Node, ...]) -> Node:
        """Rows out of nested brackets."""
        if len(parts) != 1 or parts[0].op != "bracket":
            rows = parts if all(part.op == "bracket" for part in parts) else (Node("bracket", parts),)
        else:
            rows = parts[0].args
        rows = tuple(row if row.op == "bracket" else Node("bracket", (row,)) for row in rows)
        return Node("matrix", tuple(Node("row", row.args) for row in rows))

    def function(self, name: str) -> Node:
        r"""`\sin^2 x`, `\log_2(8)`, `\max(1, 2)`, `ln(x)^2`."""
        name = grammar.FUNCTION_NAMES.get(name, name)
        base = exponent = None
        while self.peek().text in ("_", "^", "**"):
            if self.advance().text == "_":
                base = self.argument()
            else:
                exponent = self.raised(num(0)).args[-1]
        if exponent is not None and exponent == num(-1) and name in grammar.INVERSES:
            name, exponent = grammar.INVERSES[name], None
        enclosed = self.peek().text in ("(", "{", "[", "\\{", "|")
        node = self.call(name, base, self.function_argument())
        if enclosed and exponent is None:
            return node
        return node if exponent is None else Node("pow", (node, exponent))

    def call(self, name: str, base: Node | None, argument: Node) -> Node:
        """The node of a function call."""
        parts = argument.args if argument.op in ("tuple", "list", "set") else (argument,)
        if not parts:
            raise ParseError(f"{name} of nothing")
        if name in grammar.LIST_FUNCTIONS:
            return Node("fn", parts, name)
        if (written_out := self.written_out(name, argument)) is not None:
            return written_out
        if name == "log" and (base is not None or len(parts) == 2):
            return Node("log", (parts[0], base if base is not None else parts[1]))
        if len(parts) != 1:
            raise ParseError(f"{name} takes one argument")
        if name == "log" and self.log_base is not None:
            return Node("log", (argument, num(self.log_base)))
        if name == "lg":
            return Node("log", (argument, num(10)))
        if name == "exp":
            return Node("pow", (grammar.CONSTANTS["e"], argument))
        if name in _OWN_NODES:
            return Node(_OWN_NODES[name], parts)
        return Node("fn", parts, "ln" if name == "log" else name)

    def written_out(self, name: str, argument: Node) -> Node | None:
        r"""`\operatorname{cis}` and the `\det` of a matrix by what they stand for."""
        if name == "cis" and argument.op not in ("tuple", "list", "set"):
            sine = Node("mul", (I, Node("fn", (argument,), "sin")))
            return Node("add", (Node("fn", (argument,), "cos"), sine))
        return self.determinant_of(argument) if name == "det" and argument.op == "matrix" else None

    @abstractmethod
    def determinant_of(self, matrix: Node) -> Node: ...  # noqa: D102

    def function_argument(self) -> Node:
        """The argument of a function: brackets, or factors side by side up to the next function or sign."""
        self.enter()
        token = self.peek()
        if token.kind == "op" and token.text in ("(", "[", "{", "\\{"):
            self.advance()
            node = self.group() if token.text == "{" else self.bracketed(token.text)
            self.leave()
            return node.args[0] if node.op == "set" and len(node.args) == 1 else node
        factors = [self.signed_power()]
        while self.continues_argument(self.peek()):
            factors.append(self.power())
        if self.peek().text == "/" and self.peek(1).kind == "num" and not self.peek().spaced:
            self.advance()
            factors.append(inverse(self.power()))
        self.leave()
        return factors[0] if len(factors) == 1 else Node("mul", tuple(factors))

    def signed_power(self) -> Node:
        r"""A power behind signs (`\sin -x`)."""
        if self.peek().kind == "op" and self.peek().text in "+-":
            minus = self.advance().text == "-"
            inner = self.signed_power()
            return Node("mul", (num(-1), inner)) if minus else inner
        return self.power()

    def continues_argument(self, token: Token) -> bool:
        """Whether a token still belongs to an argument without brackets."""
        if token.kind == "name":
            return token.text in grammar.CONSTANTS
        if token.kind == "op" or not self.starts_factor(token):
            return False
        return token.kind != "macro" or token.text[1:] not in grammar.MACRO_FUNCTIONS | {
            "sqrt",
            "int",
            "sum",
            "prod",
            "lim",
        }

    def root(self) -> Node:
        r"""`\sqrt[n]{x}`, `\sqrt2`, `sqrt(2)`."""
        degree = num(2)
        if self.peek().text == "[":
            self.advance()
            degree = self.listing()
            self.expect("]")
        token = self.peek()
        if token.text == "(":
            self.advance()
            body = self.bracketed("(")
        else:
            body = self.argument()
        return Node("pow", (body, _HALF if degree == num(2) else inverse(degree)))

    def bars_of(self, closer: str) -> Node:
        """`|x|` and its LaTeX spellings; inside, a bar closes."""
        self.enter()
        node = self.listing()
        if self.advance().text != closer:
            raise ParseError(f"missing {closer}")
        self.leave()
        return Node("abs", (node,))

    def between(self, closer: str, op: str) -> Node:
        """What stands before `closer`, wrapped."""
        node = self.listing()
        self.expect(closer)
        return Node(op, (node,))

    def is_closing(self, name: str) -> bool:
        """Whether a letter-like macro cannot begin a factor here."""
        return name in ("circ", "prime", "ast", "star", "bullet")

    def binomial(self) -> Node:
        r"""`\binom{n}{k}`."""
        return Node("binom", (self.argument(), self.argument()))

    def underlined(self) -> Node:
        r"""`\underline{5}`: an emphasis, no mark."""
        return self.argument()

    def decorated(self) -> Node:
        r"""`\overline{AB}`, `\vec{v}`: opaque, for a mark may change what is meant."""
        node = Node("app", (self.argument(),), "mark")
        if self.peek().text != "_":
            return node
        self.advance()
        return Node("idx", (node, self.argument()))

    def underbrace(self) -> Node:
        r"""`\underbrace{2 \cdots 2}_{n}`: opaque, with its label."""
        inner = self.argument()
        label: tuple[Node, ...] = ()
        if self.peek().text in ("_", "^"):
            self.advance()
            label = (self.argument(),)
        return Node("app", (inner, *label), "brace")

    def number_set(self) -> Node:
        r"""`\mathbb{R}` with its `^+`, `_{>0}` marks."""
        token = self.advance()
        if token.text == "{":
            token = self.advance()
            self.expect("}")
        name = grammar.NUMBER_SETS.get(token.text)
        if name is None:
            return sym(f"bb{token.text}")
        mark = ""
        if self.peek().text in ("^", "_") and (self.peek(1).text in ("+", "*", "-") or self.peek(1).text == "{"):
            self.advance()
            braced = self.peek().text == "{" and bool(self.advance())
            mark = self.advance().text
            while braced and self.peek().text != "}":
                mark += self.advance().text
            if braced:
                self.advance()
        return Node("text", (), f"{name}{mark}")

    def negated(self) -> Node:
        r"""`\not` begins nothing."""
        raise ParseError("unexpected \\not")

    def dollars(self) -> Node:
        """A font or style switch before an atom: the atom."""
        return self.atom()

    HANDLERS: ClassVar[dict[str, Callable[[Any], Node]]] = {
        "sqrt": root,
        **dict.fromkeys(grammar.BINOMIALS, binomial),
        **dict.fromkeys(
            (
                "overline",
                "bar",
                "vec",
                "hat",
                "widehat",
                "tilde",
                "overrightarrow",
                "dot",
                "ddot",
                "widetilde",
                "angle",
                "triangle",
                "measuredangle",
                "overarc",
                "overset",
            ),
            decorated,
        ),
        "underline": underlined,
        "underbrace": underbrace,
        "overbrace": underbrace,
        "lfloor": lambda self: self.between("\\rfloor", "floor"),
        "lceil": lambda self: self.between("\\rceil", "ceil"),
        "lvert": lambda self: self.bars_of("\\rvert"),
        "lVert": lambda self: self.bars_of("\\rVert"),
        "|": lambda self: self.bars_of("\\|"),
        "mathbb": number_set,
        "mathbf": dollars,
        "mathcal": dollars,
        "mathfrak": dollars,
        "mathscr": dollars,
        "variable": underlined,
        "not": negated,
        "rm": dollars,
        "bf": dollars,
        "mathop": dollars,
    }
    STARTERS: ClassVar[frozenset[str]] = (
        frozenset(HANDLERS) | grammar.FRACTIONS | grammar.MACRO_FUNCTIONS | frozenset(grammar.CONSTANTS)
    ) - {"|", "not"}
