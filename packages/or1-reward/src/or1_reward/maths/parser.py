"""A recursive-descent parser for the answers people and models write: LaTeX, plain text and sympy's own spelling.

The grammar, loosest first: lists (`,` `;` and or), chains of relations, unions, sums, products (also by
juxtaposition), signs, powers and postfixes, atoms. Nothing is evaluated, nothing is skipped: what does not fit is a
`ParseError`. Depth and number sizes are bounded, so that parsing is linear in the text.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final, NamedTuple

from or1_reward.maths import grammar
from or1_reward.maths.atoms import AtomParser
from or1_reward.maths.bars import paired
from or1_reward.maths.exact import rational
from or1_reward.maths.nodes import Node, inverse, negative, num, quotient, symbols, text_of
from or1_reward.maths.numbers import exact_number
from or1_reward.maths.tokens import ParseError, Token, tokenize


class Reading(NamedTuple):
    r"""`1,234` as a number or a list; `2e-1` as a number or with Euler's e; `\log` without a base as ln or decadic."""

    thousands: bool = True
    scientific: bool = True
    decadic: bool = False


USUAL: Final = Reading()


def product_of(factors: list[Node]) -> Node:
    r"""Factors as one node; a set of one element beside another factor is a bracket (`\{x+y\} z`)."""
    if len(factors) == 1:
        return factors[0]
    return Node("mul", tuple(part.args[0] if part.op == "set" and len(part.args) == 1 else part for part in factors))


def as_set(node: Node) -> Node:
    """What braces without backslashes hold, where a set is asked for."""
    return Node("set", node.args) if node.op == "list" else node


def repeating_names(elements: list[Node]) -> int:
    """After how many elements the names of `p=5, q=2, p=7, q=2` begin again; 0 where they do not, or at once."""
    if len(elements) < 4 or any(part.op != "chain" or part.value != "=" for part in elements):
        return 0
    names = [part.args[0] for part in elements]
    period = next((at for at in range(1, len(names)) if names[at] == names[0]), 0)
    if period < 2 or len(names) % period or any(name.op != "sym" for name in names):
        return 0
    return period if names == names[:period] * (len(names) // period) and len(set(names[:period])) == period else 0


def grouped(elements: list[Node], joints: list[str]) -> Node:
    """Elements with commas and semicolons between them as a list of tuples."""
    groups = [[elements[0]]]
    for element, joint in zip(elements[1:], joints, strict=True):
        if joint == ";":
            groups.append([])
        groups[-1].append(element)
    return Node("list", tuple(group[0] if len(group) == 1 else Node("tuple", tuple(group)) for group in groups), "rows")


def parse(text: str, reading: Reading = USUAL) -> Node:
    """The tree of one tidied answer, in one reading of what can be read in two ways.

    Raises:
        ParseError: the text, or a part of it, is outside of the grammar.
    """
    tokens = paired(tokenize(text, thousands=reading.thousands, scientific=reading.scientific))
    parser = Parser(tokens, log_base=10 if reading.decadic else None)
    if parser.peek().kind == "end":
        raise ParseError("empty")
    node = parser.listing()
    if parser.peek().kind != "end":
        raise ParseError(f"unexpected {parser.peek().text!r}")
    return node


class Parser(AtomParser):
    """The operators; atoms are in `AtomParser`."""

    def listing(self) -> Node:
        """Elements separated by commas, semicolons, and/or; one element is itself.

        Semicolons beside commas separate groups: `1, 2; 3, 4` is a list of two pairs.
        """
        self.enter()
        elements, joints = [self.chain()], list[str]()
        while joint := self.joint():
            if self.peek().text in ("&", "\\\\"):
                break  # `x, & x > 0`: the comma ends a cell of a table
            joints.append(joint)
            if self.peek().kind == "end" or self.peek().text in (")", "]", "}", "\\}"):
                raise ParseError("a list ends in a separator")
            elements.append(self.chain())
        self.leave()
        if {",", ";"} <= set(joints):
            return grouped(elements, joints)
        if period := repeating_names(elements):
            return grouped(elements, [";" if at % period == 0 else "," for at in range(1, len(elements))])
        return elements[0] if not joints else Node("list", tuple(elements), "or" if set(joints) == {"or"} else None)

    def joint(self) -> str:
        """Consume what separates two elements of a list: `,`, `;`, and, or, and runs of them (`, and`)."""
        seen = ""
        while True:
            token = self.peek()
            if token.kind == "op" and token.text in (",", ";"):
                seen = token.text if seen in ("", ",") else seen
            elif (token.kind == "name" and token.text in ("and", "or")) or token.text in (
                "\\land",
                "\\lor",
                "\\wedge",
                "\\vee",
            ):
                seen = "or" if token.text in ("or", "\\lor", "\\vee") else "and"
            else:
                return seen
            self.advance()

    def chain(self) -> Node:
        r"""Members joined by relations: `a = b`, `0 < x \le 5`, `x \in S`, `2:3`."""
        members, relations = [self.union()], list[str]()
        while relation := self.relation():
            members.append(self.union())
            relations.append(relation)
        if not relations:
            return members[0]
        if set(relations) == {":"}:
            return Node("ratio", tuple(members))
        return self.chain_of(members, relations)

    def chain_of(self, members: list[Node], relations: list[str]) -> Node:
        """A chain, ratios inside of it bound first (`a:b = 2:3`)."""
        joined, kept = [members[0]], list[str]()
        for relation, member in zip(relations, members[1:], strict=True):
            if relation == ":":
                last = joined.pop()
                joined.append(Node("ratio", (*(last.args if last.op == "ratio" else (last,)), member)))
            else:
                kept.append(relation)
                joined.append(member)
        return Node("chain", tuple(joined), " ".join(kept))

    def relation(self) -> str:
        """Consume a relation sign; `|` and `to` only inside where they mean one."""
        token = self.peek()
        name = token.text.lstrip("\\") if token.kind == "macro" else token.text if token.kind == "op" else ""
        found = ":" if name == ":" else grammar.RELATIONS.get(name, "")
        if token.kind == "macro" and name == "not" and self.peek(1).text == "=":
            self.advance()
            found = "!="
        if not found or found == "|" or (found == "to" and self.stop_at_arrow):
            return ""
        self.advance()
        if found in ("<", ">") and self.peek().text == "=":
            self.advance()
            return found + "="
        return found

    def union(self) -> Node:
        """Set operations, left to right."""
        node = self.sum()
        while operator := grammar.SET_OPERATORS.get(self.peek().text.lstrip("\\")):
            self.advance()
            node = Node(operator, (as_set(node), as_set(self.sum())))
        return node

    def sum(self) -> Node:
        """Terms joined by + - ±."""
        self.enter()
        terms = [self.signed()]
        while True:
            token = self.peek()
            if token.text == "+" and token.kind == "op":
                self.advance()
                terms.append(self.signed())
            elif token.text == "-" and token.kind == "op":
                self.advance()
                terms.append(negative(self.signed()))
            elif token.text in ("\\pm", "\\mp"):
                self.advance()
                terms.append(Node("pm", (self.signed(),), token.text[1:]))
            else:
                break
        self.leave()
        if len(terms) > 1 and terms[-1].op == "unit" and all(term.op != "unit" for term in terms[:-1]):
            return Node("unit", (Node("add", (*terms[:-1], terms[-1].args[0])),), terms[-1].value)
        return terms[0] if len(terms) == 1 else Node("add", tuple(terms))

    def signed(self) -> Node:
        """A product behind any number of signs."""
        token, minus = self.peek(), False
        while token.kind == "op" and token.text in "+-":
            minus ^= token.text == "-"
            self.advance()
            token = self.peek()
        if token.text in ("\\pm", "\\mp"):
            self.advance()
            node = Node("pm", (self.product(),), token.text[1:])
            return negative(node) if minus else node
        if token.text == "+/-":
            raise ParseError("+/-")
        return self.product(minus=minus)

    def product(self, *, minus: bool = False) -> Node:
        """Factors joined by signs or by standing side by side, behind a minus or not; `a/b c` is `(a/b) c`."""
        factors = [self.power()]
        while True:
            token = self.peek()
            name = token.text.lstrip("\\") if token.kind == "macro" else token.text if token.kind == "op" else ""
            if name == "*" or (token.kind == "macro" and name in grammar.TIMES):
                self.advance()
                factors.append(self.signed_factor())
            elif name in ("/", "div"):
                self.advance()
                self.divide(factors, self.signed_factor())
            elif name in ("mod", "bmod", "pmod") and token.kind == "macro":
                number = product_of(factors)
                factors, minus = [self.modulo(negative(number) if minus else number)], False
            elif self.starts_factor(token):
                self.juxtapose(factors)
            else:
                break
        node = self.measured(product_of(factors))
        return negative(node) if minus else node

    def measured(self, node: Node) -> Node:
        """A product with the unit behind it."""
        return self.with_unit(node) if self.peek().kind in ("text", "word") and node.op != "text" else node

    def modulo(self, node: Node) -> Node:
        r"""`17 \bmod 5` is 2; `3 \pmod 7`, and a number that is its own remainder, name a class of remainders."""
        of_class = self.advance().text == "\\pmod"
        modulus = self.argument() if self.peek().text == "{" else self.signed_factor()
        number, divisor = rational(node), rational(modulus)
        if not of_class and number is not None and divisor and number % divisor != number:
            return num(number % divisor)
        if not of_class and None in (number, divisor) and not symbols(node) | symbols(modulus):
            return Node("fn", (node, modulus), "mod")  # 987 modulo pi
        return Node("unit", (node,), f"mod {text_of(modulus)}")

    def divide(self, factors: list[Node], factor: Node) -> None:
        """Put `/ factor` behind the factors, folded into a number where both are one."""
        if factors[-1].op == "num" and factor.op == "num":
            factors[-1] = quotient(factors[-1], factor)
        else:
            factors.append(inverse(factor))

    def signed_factor(self) -> Node:
        """The factor behind an explicit sign of multiplication: it may carry its own sign."""
        minus = False
        while self.peek().kind == "op" and self.peek().text in "+-":
            minus ^= self.advance().text == "-"
        factor = self.power()
        return negative(factor) if minus else factor

    def juxtapose(self, factors: list[Node]) -> None:
        r"""The next factor of `2x`; a literal whole number and a proper fraction are mixed (`3\frac12`, `3 1/2`).

        `(-1)\frac{2}{5}` is a product, as sympy prints it: brackets are not part of a literal.
        """
        token, before = self.peek(), factors[-1]
        literal = before.op == "num" and isinstance(before.value, Fraction) and before.value.denominator == 1
        whole = literal and self.peek(-1).kind == "num"
        if token.kind == "num" and self.peek(-1).kind in ("num", "sym"):
            if token.spaced and before.op == "pow":
                factors.append(self.power())  # 2^6 3^5
            else:
                self.number_behind(factors, token, whole=whole)
            return
        if not (whole and token.text.lstrip("\\") in grammar.FRACTIONS):
            factors.append(self.power())
            return
        self.enter()
        factor, sign = self.atom(), self.peek()
        if isinstance(factor.value, Fraction) and 0 < factor.value < 1 and not self.is_raised(sign):
            factor = num(Fraction(factors.pop().value or 0) + factor.value)
        factors.append(self.postfix(factor))
        self.leave()

    def is_raised(self, sign: Token) -> bool:
        r"""Whether a power follows that is no degree: `3\frac{1}{2}^2` is a product, `3\frac{1}{2}^\circ` is mixed."""
        return sign.text in ("^", "**") and "\\circ" not in (self.peek(1).text, self.peek(2).text)

    def number_behind(self, factors: list[Node], token: Token, *, whole: bool) -> None:
        r"""A number behind a number: only `1 1/2` and `3 1\frac12` have a meaning."""
        following, after = self.peek(1), self.peek(2)
        if not (whole and token.spaced):
            raise ParseError(f"unexpected number {token.text!r}")
        if following.text == "/" and after.kind == "num" and token.text.isdigit() and after.text.isdigit():
            top, _, bottom = self.advance(), self.advance(), self.advance()
            fraction = exact_number(top.text) / (exact_number(bottom.text) or 1)
            if fraction >= 1:
                raise ParseError("two numbers side by side")
            factors[-1] = num(Fraction(factors[-1].value or 0) + fraction)
        elif following.text.lstrip("\\") in grammar.FRACTIONS:
            factors.append(self.power())
        else:
            raise ParseError("two numbers side by side")

    def power(self) -> Node:
        """An atom with its postfixes and exponent."""
        self.enter()
        node = self.postfix(self.atom())
        self.leave()
        return node


__all__ = ["ParseError", "Parser", "Reading", "parse"]
