r"""Whether an answer is worked out, for training: a policy soon finds that copying the question is rewarded.

SmolLM2 under reinforcement learning on sums: after 28 steps it answered "What is 10 + 13?" with "10 + 13", and a
verifier that compares values called that right.
"""

from __future__ import annotations

import re
from typing import Final

from or1_reward.maths.equal.questions import CALCULUS
from or1_reward.maths.parse.nodes import Node, mentions, symbols

_WRAPPERS: Final = frozenset(("unit", "pct", "deg"))
"""What may stand around a number."""
_OPERATIONS: Final = CALCULUS | {
    "add", "mul", "pow", "fact", "fact2", "binom", "fn", "log", "abs", "floor", "ceil", "mod",
}  # fmt: skip
_DIVISION: Final = re.compile(r"[/÷]|\\(?:div|[dtc]?frac)(?![a-zA-Z])")


def is_unevaluated(answer: Node, gold: Node, given: str) -> bool:
    r"""Whether the answer, written `given`, ends in something to be worked out where a number is asked for.

    Where the gold is a numeral, so must be the answer: no sum, product, power or factorial of numbers, and for a whole
    number no quotient; scientific notation is a numeral. Where the gold is another number (`2\sqrt{3}`), only sums over
    a range, integrals, derivatives and limits are refused.
    """
    value = answer.args[-1] if answer.op == "chain" else answer
    number = _numeral(gold)
    if number is None:
        return mentions(value, CALCULUS) and not mentions(gold, CALCULUS) and not symbols(gold)
    if _numeral(value) is None:
        return mentions(value, _OPERATIONS) and not symbols(value)
    is_whole = number.op == "num" and str(number.value).lstrip("-").isdigit()
    return is_whole and _DIVISION.search(given.rpartition("=")[2]) is not None


def _numeral(node: Node) -> Node | None:
    """The number in units, percent or degrees; None if there is another expression."""
    while node.op in _WRAPPERS and len(node.args) == 1:
        node = node.args[0]
    return node if node.op == "num" or _is_scientific(node) else None


def _is_scientific(node: Node) -> bool:
    r"""`3 \times 10^8` or `10^{-7}`."""
    if node.op == "mul" and len(node.args) == 2 and node.args[0].op == "num":
        node = node.args[1]
    return node.op == "pow" and all(part.op == "num" for part in node.args) and node.args[0].value == 10
