r"""Brackets and bars: `( ) [ ] { } \{ \} | |`, half-open intervals, sets and set builders."""

from __future__ import annotations

from or1_reward.maths.parse import bars, grammar
from or1_reward.maths.parse.cursor import Cursor
from or1_reward.maths.parse.nodes import Node, quotient
from or1_reward.maths.parse.tokens import ParseError


def split_at_colon(chain: Node) -> tuple[Node, Node] | None:
    r"""`x \in \mathbb{Z} : 0 < x` apart, where the colon has bound tighter than the relations; None without one."""
    at = next((at for at, part in enumerate(chain.args) if part.op == "ratio" and len(part.args) == 2), None)
    if at is None:
        return None
    relations, (before, behind) = str(chain.value).split(), chain.args[at].args
    halves = ((*chain.args[:at], before), relations[:at]), ((behind, *chain.args[at + 1 :]), relations[at:])
    first, second = (Node("chain", tuple(args), " ".join(signs)) if signs else args[0] for args, signs in halves)
    return first, second


def _binomial(top: Node, bottom: Node) -> Node:
    return Node("binom", (top, bottom))


def bracketed(p: Cursor, opener: str) -> Node:
    r"""`( ) [ ] { } \{ \} | |` and half-open intervals."""
    if opener == bars.OPEN:
        return bars_of(p, bars.CLOSE)
    if opener not in grammar.CLOSERS:
        raise ParseError(f"unexpected {opener!r}")
    closers = grammar.CLOSERS[opener]
    if p.peek().text in closers:
        closer = p.advance().text
        return grammar.EMPTY_SET if opener in ("\\{", "{") else Node("tuple" if closer == ")" else "bracket", ())
    node = p.rules.listing(p)
    if opener == "{" and p.peek().text in ("\\choose", "\\over"):
        made = quotient if p.advance().text == "\\over" else _binomial
        node = made(node, p.rules.listing(p))
    if opener == "\\{" and p.peek().text in ("|", "\\mid"):
        p.advance()
        node = Node("setof", (node, p.rules.listing(p)))
    closer = p.advance().text
    if closer not in closers:
        raise ParseError(f"{opener!r} closed by {closer!r}")
    return enclosed(p, opener, node, closer)


def enclosed(p: Cursor, opener: str, node: Node, closer: str) -> Node:
    """What a pair of brackets makes of its contents."""
    elements = node.args if node.op == "list" else (node,)
    if opener == "\\{":
        return set_of(p, node, elements)
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


def set_of(p: Cursor, node: Node, elements: tuple[Node, ...]) -> Node:
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


def bars_of(p: Cursor, closer: str) -> Node:
    """`|x|` and its LaTeX spellings; inside, a bar closes."""
    p.enter()
    node = p.rules.listing(p)
    if p.advance().text != closer:
        raise ParseError(f"missing {closer}")
    p.leave()
    return Node("abs", (node,))


def between(p: Cursor, closer: str, op: str) -> Node:
    """What stands before `closer`, wrapped."""
    node = p.rules.listing(p)
    p.expect(closer)
    return Node(op, (node,))


def angle_brackets(p: Cursor) -> Node:
    r"""`\langle 1, 2 \rangle`: a vector."""
    node = p.rules.listing(p)
    p.expect("\\rangle")
    return Node("tuple", node.args if node.op == "list" else (node,))
