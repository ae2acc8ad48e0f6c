"""What the toy policies are taught: problems with solutions, as text, and the characters they need."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from or1_data import arithmetic
from or1_trainer.config.schema import ArithmeticSettings, WarmStartSettings
from or1_trainer.toy import lettered
from or1_trainer.toy.traces import traces

ASKED_SHARE: Final = 1 / 3
"""Of the conversations with a calculator."""


def family_of(settings: ArithmeticSettings) -> arithmetic.Family:
    """The settings as or1-data's family of expressions, for problems and demonstrations alike."""
    return arithmetic.Family(
        min_terms=settings.min_terms,
        max_terms=settings.max_terms,
        max_digits=settings.max_digits,
        operators=settings.operators,
    )


def alphabet_of(settings: WarmStartSettings) -> str:
    """Every character that prompts and solutions may contain."""
    return lettered.ALPHABET if settings.demonstrated == "lettered" else arithmetic.ALPHABET


def solved_problems(settings: WarmStartSettings) -> Iterator[tuple[str, str]]:
    """(prompt, response) for every sequence of the warm start."""
    count = settings.steps * settings.sequences
    if settings.demonstrated == "lettered":
        yield from traces(count, settings.seed, settings.lettered, settings.habits)
        return
    for shown in arithmetic.demonstrations(
        count,
        settings.seed,
        verbose_share=settings.verbose_share,
        guess_share=settings.guess_share,
        family=family_of(settings.arithmetic),
    ):
        yield shown.prompt, shown.response


def calculator_rows(count: int, seed: int, family: arithmetic.Family) -> Iterator[dict[str, Any]]:
    r"""`count` conversations on sums of the training part: most guess, some ask the calculator.

        48+39=?    guessed:  \boxed{91}
                   asked:    48+39=?    and, told 87;    \boxed{87}

    They teach the form of both; which of the two to take is for reinforcement learning to find out.
    """
    guess_share = 1.0 - ASKED_SHARE
    for shown in arithmetic.demonstrations(count, seed, verbose_share=0.0, guess_share=guess_share, family=family):
        answer = shown.problem.ground_truth
        turns = [("user", shown.prompt), ("assistant", shown.response)]
        if shown.style != "guess":
            turns[1:] = [("assistant", shown.prompt), ("tool", f"{answer};"), ("assistant", f"\\boxed{{{answer}}}")]
        yield {"messages": [{"role": role, "content": content} for role, content in turns]}
