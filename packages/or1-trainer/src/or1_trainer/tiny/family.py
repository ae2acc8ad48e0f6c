"""Which arithmetic the tiny recipe trains on, for problems and demonstrations alike."""

from __future__ import annotations

from or1_data.arithmetic import Family
from or1_trainer.config.schema import ArithmeticSettings


def family_of(settings: ArithmeticSettings) -> Family:
    """The settings as or1-data's family."""
    return Family(
        min_terms=settings.min_terms,
        max_terms=settings.max_terms,
        max_digits=settings.max_digits,
        operators=settings.operators,
    )
