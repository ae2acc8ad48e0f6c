r"""The wandering demonstrator: one right way among many, drawn anew at every line.

    A7B3C5=?    CA12;A12;BA16;BA15;\boxed{15}

`CA12;` adds C to A, which is 12 from then on; C is gone. Which pair is added next is drawn from all that are left, and
which of the two goes, too. `A12;` says a number again. A slip writes a wrong sum; a line may be written a second time,
to check or to correct it. A hurried solution guesses before the end. So the policy that imitates has entropy at every
line, is wrong now and then, and often long: what reinforcement learning can change, and what it can lose.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

from or1_trainer.config.problems import HabitSettings, LetteredSettings
from or1_trainer.toy.lettered import LETTERS, Terms, draw, text_of

SLIP: Final = 3
"""How far a slip, or a guess per term that was not added, is off at most."""


class Trace(NamedTuple):
    """A problem and one solution of it."""

    prompt: str
    response: str


def traces(count: int, seed: int, settings: LetteredSettings, habits: HabitSettings) -> Iterator[Trace]:
    """Solved problems of the training part; repeats are possible."""
    rng = random.Random(f"or1-lettered:traces:{seed}")
    for _ in range(count):
        terms = draw(rng, "train", settings)
        yield Trace(text_of(terms), wander(terms, rng, habits))


def wander(terms: Terms, rng: random.Random, habits: HabitSettings) -> str:
    """One solution. The numbers are those that the solver believes: a slip that stays makes the answer wrong."""
    believed = dict(zip(LETTERS, terms, strict=False))
    stop = rng.randrange(2, len(terms) + 1) if rng.random() < habits.hurry_share else 1
    lines: list[str] = []
    while len(believed) > stop:
        if rng.random() < habits.restate_share:
            letter = rng.choice(sorted(believed))
            lines.append(f"{letter}{believed[letter]}")
        else:
            lines += _added(believed, rng, habits)
    return "".join(f"{line};" for line in lines) + f"\\boxed{{{_concluded(believed, rng)}}}"


def _added(believed: dict[str, int], rng: random.Random, habits: HabitSettings) -> list[str]:
    """The line that adds one term to another, and perhaps the same line again."""
    gone, stays = rng.sample(sorted(believed), 2)
    right = believed[stays] + believed.pop(gone)
    slips = rng.random() < habits.slip_share
    believed[stays] = _off(right, rng) if slips else right
    lines = [f"{gone}{stays}{believed[stays]}"]
    if rng.random() < (habits.correct_share if slips else habits.check_share):
        believed[stays] = right
        lines.append(f"{gone}{stays}{right}")
    return lines


def _concluded(believed: dict[str, int], rng: random.Random) -> int:
    """The one number that is left, or a guess of the sum."""
    errors = (rng.randint(-SLIP, SLIP) for _ in range(len(believed) - 1))
    return max(0, sum(believed.values()) + sum(errors))


def _off(value: int, rng: random.Random) -> int:
    return max(0, value + rng.choice([step for step in range(-SLIP, SLIP + 1) if step]))
