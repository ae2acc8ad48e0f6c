"""What a warm start is taught: problems with solutions, as text, and the characters they need."""

from __future__ import annotations

from collections.abc import Iterator

from or1_data import arithmetic
from or1_trainer.config.schema import WarmStartSettings
from or1_trainer.toy import lettered
from or1_trainer.toy.family import family_of, lengths_of
from or1_trainer.toy.traces import traces


def alphabet_of(settings: WarmStartSettings) -> str:
    """Every character that prompts and solutions may contain."""
    return lettered.ALPHABET if settings.demonstrated == "lettered" else arithmetic.ALPHABET


def solved_problems(settings: WarmStartSettings) -> Iterator[tuple[str, str]]:
    """(prompt, response) for every sequence of the warm start."""
    count = settings.steps * settings.sequences
    if settings.demonstrated == "lettered":
        for trace in traces(count, settings.seed, lengths_of(settings.lettered), settings.habits):
            yield trace.prompt, trace.response
        return
    for shown in arithmetic.demonstrations(
        count,
        settings.seed,
        verbose_share=settings.verbose_share,
        guess_share=settings.guess_share,
        family=family_of(settings.arithmetic),
    ):
        yield shown.prompt, shown.response
