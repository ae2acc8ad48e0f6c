"""One thing that was looked at."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class State(Enum):
    """How it is."""

    GOOD = "yes"
    ABSENT = "-"
    """Not here, which hinders some recipes only."""
    BAD = "NO"
    """Nothing runs like this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found, and what to do where it is not as it should be."""

    name: str
    state: State
    found: str
    advice: str = ""

    def lines(self) -> list[str]:
        """For the terminal."""
        first = f"{self.state.value:>4}  {self.name:<18}{self.found}"
        return [first, f"{'':>24}{self.advice}"] if self.advice and self.state is not State.GOOD else [first]
