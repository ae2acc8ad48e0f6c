"""Result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """Whether a requirement is met."""

    GOOD = "yes"
    ABSENT = "-"
    """Missing, but only some recipes need it."""
    BAD = "NO"
    """Missing, and needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What a check found, and what to do if the requirement is not met."""

    name: str
    state: State
    found: str
    advice: str = ""

    def lines(self) -> list[str]:
        """Return the lines for the terminal."""
        first = f"{self.state.value:>4}  {self.name:<18}{self.found}"
        return [first, f"{'':>24}{self.advice}"] if self.advice and self.state is not State.GOOD else [first]
