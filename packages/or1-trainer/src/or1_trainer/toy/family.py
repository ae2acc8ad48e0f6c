"""From settings to families of generated problems, for problems and demonstrations alike."""

from __future__ import annotations

from or1_data.arithmetic import Family
from or1_trainer.config.schema import ArithmeticSettings, LetteredSettings
from or1_trainer.toy.lettered import Lengths


def family_of(settings: ArithmeticSettings) -> Family:
    """The settings as or1-data's family."""
    return Family(
        min_terms=settings.min_terms,
        max_terms=settings.max_terms,
        max_digits=settings.max_digits,
        operators=settings.operators,
    )


def lengths_of(settings: LetteredSettings) -> Lengths:
    """The settings as the laboratory's lengths of sums."""
    return Lengths(least=settings.min_terms, most=settings.max_terms)
