r"""Which bars open and which close: `|x||y|` is a product, `||x|-|y||` nested, one bar of `\{x | |x|>2\}` neither.

TeX writes all of them with one sign. Within one pair of brackets a bar may open where an operand may begin and close
where one may end; of the ways to balance them the one that closes earliest is meant.
"""

from __future__ import annotations

from typing import Final

from or1_reward.maths.parse import grammar
from or1_reward.maths.parse.tokens import Token

OPEN: Final = "|<"
CLOSE: Final = ">|"
_MOST: Final = 40  # bars in one pair of brackets; texts with more of them are no answers
_OPENERS: Final = frozenset(("(", "[", "{", "\\{"))
_CLOSERS: Final = frozenset((")", "]", "}", "\\}"))
_SEPARATORS: Final = frozenset((",", ";", "&", "\\\\", ":"))
_INFIX: Final = frozenset("+-*/^_=<>")
_INFIX_MACROS: Final = (
    frozenset(grammar.RELATIONS)
    | grammar.TIMES
    | grammar.DIVIDE
    | frozenset(grammar.SET_OPERATORS)
    | frozenset(("pm", "mp", "land", "lor", "wedge", "vee"))
)


def paired(tokens: list[Token]) -> list[Token]:
    """The tokens with every bar told apart as `OPEN` or `CLOSE`; bars that cannot be paired stay as they are."""
    if not any(token.text == "|" for token in tokens):
        return tokens
    told = list(tokens)
    for group, in_set in _groups(tokens):
        for at, opens in _assigned(tokens, group, in_set).items():
            told[at] = tokens[at]._replace(text=OPEN if opens else CLOSE)
    return told


def _groups(tokens: list[Token]) -> list[tuple[list[int], bool]]:
    r"""Positions of the bars of every pair of brackets, and whether that is `\{ \}`."""
    found: list[tuple[list[int], bool]] = [([], False)]
    stack = [0]
    for at, token in enumerate(tokens):
        if token.kind != "op" or token.text == "|":
            if token.text == "|":
                found[stack[-1]][0].append(at)
        elif token.text in _OPENERS:
            stack.append(len(found))
            found.append(([], token.text == "\\{"))
        elif token.text in _CLOSERS and len(stack) > 1:
            stack.pop()
    return [group for group in found if group[0]]


def _assigned(tokens: list[Token], bars: list[int], in_set: bool) -> dict[int, bool]:
    """Whether each bar opens; in a set one of an odd number of bars is left out, the first for which it works."""
    if len(bars) > _MOST:
        return {}
    if len(bars) % 2 == 0 and (found := _balanced(tokens, bars)) is not None:
        return found
    if in_set and len(bars) % 2:
        for left_out in range(len(bars)):
            if (found := _balanced(tokens, bars[:left_out] + bars[left_out + 1 :])) is not None:
                return found
    return {}


def _balanced(tokens: list[Token], bars: list[int]) -> dict[int, bool] | None:
    dead: set[tuple[int, int]] = set()

    def search(index: int, depth: int, opened_at: int) -> list[bool] | None:
        if index == len(bars):
            return [] if depth == 0 else None
        if (index, depth) in dead or depth > len(bars) - index:
            return None
        at = bars[index]
        empty = opened_at == at - 1
        if depth and not empty and _ends_operand(tokens, at) and (rest := search(index + 1, depth - 1, -1)) is not None:
            return [False, *rest]
        if _begins_operand(tokens, at) and (rest := search(index + 1, depth + 1, at)) is not None:
            return [True, *rest]
        if not empty:
            dead.add((index, depth))
        return None

    found = search(0, 0, -1)
    return None if found is None else dict(zip(bars, found, strict=True))


def _ends_operand(tokens: list[Token], at: int) -> bool:
    before = tokens[at - 1] if at else None
    if before is None or before.text in _OPENERS or before.text in _SEPARATORS or before.text in _INFIX:
        return False
    return before.kind != "macro" or before.text[1:] not in _INFIX_MACROS


def _begins_operand(tokens: list[Token], at: int) -> bool:
    after = tokens[at + 1]
    if after.kind == "end" or after.text in _CLOSERS or after.text in _SEPARATORS or after.text in ("^", "_", "!"):
        return False
    return after.text in "+-" or after.text not in _INFIX
