r"""Word problems with small numbers, for a pretrained model that is weak at arithmetic.

    Mia has 7 marbles and finds 12 more. How many marbles does Mia have now?    answered `\boxed{19}`

Training and held-out part cannot overlap: which part a problem belongs to is a hash of its kind and its numbers, so
that no wording of a held-out calculation is ever trained on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from or1_data.arithmetic import Split
from or1_data.schema import Problem, make_problem
from or1_trainer.errors import ConfigError
from or1_trainer.toy.lettered import distinct, part_of

NAMES: Final = ("Mia", "Tom", "Ada", "Ben", "Zoe", "Sam", "Eva", "Max")
THINGS: Final = ("marbles", "apples", "books", "stamps", "coins", "shells", "pencils", "cards")


class Calculation(NamedTuple):
    """Two numbers and what is asked of them."""

    kind: str
    first: int
    second: int


_ANSWERS: Final[dict[str, Callable[[int, int], int]]] = {
    "sum": lambda a, b: a + b,
    "difference": lambda a, b: a - b,
    "larger": max,
}
_WORDINGS: Final[dict[str, tuple[str, ...]]] = {
    "sum": (
        "What is {a} + {b}?",
        "Add {a} and {b}.",
        "What is the sum of {a} and {b}?",
        "{name} has {a} {things} and finds {b} more. How many {things} does {name} have now?",
    ),
    "difference": (
        "What is {a} - {b}?",
        "Take {b} away from {a}.",
        "What is {a} minus {b}?",
        "{name} has {a} {things} and gives {b} away. How many {things} are left?",
    ),
    "larger": (
        "Which number is larger, {a} or {b}?",
        "{name} has {a} {things} and {other} has {b}. How many {things} does the one with more have?",
    ),
}
KINDS: Final = tuple(_ANSWERS)
"""What can be asked."""


def worded_problems(
    split: Split, count: int, seed: int, *, kinds: tuple[str, ...], largest: int, template: str
) -> Iterator[Problem]:
    """`count` different problems of one part. Raises `ConfigError` for an unknown kind, or if there are not so many."""
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise ConfigError(f"unknown kinds of word problems: {', '.join(unknown)}; choose from {', '.join(KINDS)}")
    rng = random.Random(f"or1-worded:{split}:{seed}")

    def draw_one() -> tuple[Calculation, str] | None:
        calculation, text = _draw(rng, kinds, largest)
        return (calculation, text) if split_of(calculation) == split else None

    refusal = f"there are not enough word problems ({split}); ask for fewer, or raise data.worded.largest"
    for index, (calculation, text) in enumerate(distinct(draw_one, count, refusal)):
        yield make_problem(
            text,
            _ANSWERS[calculation.kind](calculation.first, calculation.second),
            ability="math",
            data_source=f"worded-{calculation.kind}",
            template=template,
            extra_info={"index": index, "split": split},
        )


def split_of(calculation: Calculation) -> Split:
    """Which part a calculation belongs to; the order of the two numbers does not count."""
    low, high = sorted(calculation[1:])
    return part_of(f"{calculation.kind} {low} {high}")


def _draw(rng: random.Random, kinds: tuple[str, ...], largest: int) -> tuple[Calculation, str]:
    kind = rng.choice(kinds)
    first, second = rng.randint(1, largest), rng.randint(1, largest)
    if kind == "difference" and first < second:
        first, second = second, first
    name, other = rng.sample(NAMES, 2)
    wording = rng.choice(_WORDINGS[kind])
    text = wording.format(a=first, b=second, name=name, other=other, things=rng.choice(THINGS))
    return Calculation(kind, first, second), text
