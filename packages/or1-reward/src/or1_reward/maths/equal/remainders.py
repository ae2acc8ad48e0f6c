r"""Remainders: `17 \bmod 5` is 2, `3 \pmod 7` a class of numbers."""

from __future__ import annotations

from or1_reward.maths.equal.exact import rational
from or1_reward.maths.parse.nodes import Node, mentions, num, symbols, text_of

_MOD = frozenset(("mod",))


def with_remainders(node: Node) -> Node:
    """A tree with every `mod` node by what it stands for."""
    if not mentions(node, _MOD):
        return node
    node = node._replace(args=tuple(map(with_remainders, node.args)))
    return _resolved(node) if node.op == "mod" else node


def _resolved(node: Node) -> Node:
    """`17 mod 5` is 2; a class, and a number that is its own remainder, is a number with the unit `mod 7`."""
    value, modulus = node.args
    number, divisor = rational(value), rational(modulus)
    if node.value == "remainder":
        if number is not None and divisor and number % divisor != number:
            return num(number % divisor)
        if None in (number, divisor) and not symbols(value) | symbols(modulus):
            return Node("fn", (value, modulus), "mod")  # 987 modulo pi
    return Node("unit", (value,), f"mod {text_of(modulus)}")
