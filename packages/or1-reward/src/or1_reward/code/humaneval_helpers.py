"""Functions that HumanEval's prompts define and its checks call (tasks 32, 38 and 50).

Rows of that data set carry the check without the prompt. The program must not supply these itself: a `poly` that
returns 0 would pass any `find_zero`.
"""

from __future__ import annotations

from typing import Final

HELPERS: Final[dict[str, str]] = {
    "poly": """
def poly(xs, x):
    return sum(coefficient * x**power for power, coefficient in enumerate(xs))
""",
    "encode_cyclic": """
def encode_cyclic(s):
    triples = [s[at : at + 3] for at in range(0, len(s), 3)]
    return "".join(part[1:] + part[0] if len(part) == 3 else part for part in triples)
""",
    "encode_shift": """
def encode_shift(s):
    return "".join(chr((ord(letter) - ord("a") + 5) % 26 + ord("a")) for letter in s)
""",
}
