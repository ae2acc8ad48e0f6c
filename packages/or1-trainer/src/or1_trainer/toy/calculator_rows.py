r"""Conversations for a small policy that has a calculator: most guess, some ask it.

    48+39=?    guessed:  \boxed{91}
               asked:    48+39=?    and, told 87;    \boxed{87}

What they teach is the form of both; which of the two to take is for reinforcement learning to find out.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from or1_data import arithmetic
from or1_data.arithmetic import Family

ASKED_SHARE: Final = 1 / 3


def calculator_rows(count: int, seed: int, family: Family) -> Iterator[dict[str, Any]]:
    """`count` rows with `messages`, on sums of the training part."""
    guess_share = 1.0 - ASKED_SHARE
    for shown in arithmetic.demonstrations(count, seed, verbose_share=0.0, guess_share=guess_share, family=family):
        answer = shown.problem.ground_truth
        turns = [("user", shown.prompt), ("assistant", shown.response)]
        if shown.style != "guess":
            turns[1:] = [("assistant", shown.prompt), ("tool", f"{answer};"), ("assistant", f"\\boxed{{{answer}}}")]
        yield {"messages": [{"role": role, "content": content} for role, content in turns]}
