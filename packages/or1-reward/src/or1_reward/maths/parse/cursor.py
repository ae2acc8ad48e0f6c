"""The tokens of an answer and where the parser stands in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from or1_reward.maths.parse.nodes import Node
from or1_reward.maths.parse.tokens import ParseError, Token

MAX_DEPTH: Final = 120


class Rules(NamedTuple):
    """The rules of the grammar that the rules below them need: what stands in brackets may be anything."""

    listing: Callable[[Cursor], Node]
    addition: Callable[[Cursor], Node]
    product: Callable[[Cursor], Node]
    power: Callable[[Cursor], Node]
    atom: Callable[[Cursor], Node]
    starts_factor: Callable[[Token], bool]


class Cursor:
    """The tokens and where the parser stands in them."""

    def __init__(self, tokens: list[Token], rules: Rules, *, log_base: int | None = None) -> None:
        """Start before the first token; `log_base` is what a logarithm without one has, None the natural one."""
        self.tokens = tokens
        self.rules = rules
        self.log_base = log_base
        self.at = 0
        self.depth = 0
        self.stop_at_arrow = False
        self.bound: frozenset[str] = frozenset()

    def peek(self, ahead: int = 0) -> Token:
        """The token `ahead` of here."""
        tokens, at = self.tokens, self.at + ahead
        return tokens[at] if at < len(tokens) else tokens[-1]

    def advance(self) -> Token:
        """Consume one token."""
        token = self.tokens[self.at]
        if token.kind == "end":
            raise ParseError("unexpected end")
        self.at += 1
        return token

    def replace(self, token: Token) -> None:
        """Put `token` where the parser stands."""
        self.tokens[self.at] = token

    def enter(self) -> None:
        """One level deeper; the limit keeps the interpreter's stack safe."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ParseError("nested too deeply")

    def leave(self) -> None:
        """One level up."""
        self.depth -= 1

    def expect(self, text: str) -> None:
        """Consume exactly `text`."""
        if self.advance().text != text:
            raise ParseError(f"expected {text!r}")
