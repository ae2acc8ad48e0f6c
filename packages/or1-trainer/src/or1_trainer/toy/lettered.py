r"""Lettered sums: each term has a name, so that a solution may take them in any order.

    A7B3C5=?    the sum of A = 7, B = 3 and C = 5, answered `\boxed{15}`

How hard a problem is follows from its number of terms. Training and held-out part cannot overlap: which part a sum
belongs to is a hash of its sorted terms.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, TypeVar

from or1_data.arithmetic import HELDOUT_SHARE, Split
from or1_data.schema import Problem, make_problem
from or1_trainer.config.schema import LetteredSettings
from or1_trainer.errors import ConfigError

LETTERS: Final = "ABCDEFGHIJKL"
ALPHABET: Final = LETTERS + "0123456789;=?\\boxed{}"
"""Every character of problems and solutions, each once."""
_REDRAWS: Final = 10_000

Drawn = TypeVar("Drawn")
Terms = tuple[int, ...]
"""One-digit numbers; the first is A, the second B, and so on."""


def lettered_problems(
    split: Split, count: int, seed: int, settings: LetteredSettings, *, template: str
) -> Iterator[Problem]:
    """`count` different problems of one part. Raises `ConfigError` where there are not so many."""
    rng = random.Random(f"or1-lettered:{split}:{seed}")  # a text seed: the same numbers on every machine
    draw_terms = partial(draw, rng, split, settings)
    refusal = f"there are not enough lettered sums ({split}); ask for fewer, or raise max_terms"
    for index, terms in enumerate(distinct(draw_terms, count, refusal)):
        yield make_problem(
            text_of(terms),
            sum(terms),
            ability="math",
            data_source=f"lettered-{len(terms)}-terms",
            template=template,
            extra_info={"index": index, "split": split, "terms": len(terms)},
        )


def draw(rng: random.Random, split: Split, settings: LetteredSettings) -> Terms:
    """A sum of the given part; every number of terms is as likely as any other."""
    least, most = settings.min_terms, settings.max_terms
    if not 2 <= least <= most <= len(LETTERS):
        raise ConfigError(f"need 2 <= min_terms <= max_terms <= {len(LETTERS)}, got {least} and {most}")
    while True:
        terms = tuple(rng.randint(1, 9) for _ in range(rng.randint(least, most)))
        if part_of(" ".join(map(str, sorted(terms)))) == split:
            return terms


def text_of(terms: Terms) -> str:
    """The problem as the policy reads it: `A7B3C5=?`."""
    return "".join(f"{letter}{value}" for letter, value in zip(LETTERS, terms, strict=False)) + "=?"


def part_of(key: str) -> Split:
    """Which part a problem belongs to, by a text that is the same for all its forms."""
    digest = hashlib.sha256(key.encode()).digest()
    return "heldout" if int.from_bytes(digest[:8], "big") % HELDOUT_SHARE == 0 else "train"


def distinct(draw_one: Callable[[], Drawn | None], count: int, refusal: str) -> Iterator[Drawn]:
    """`count` different draws that are not None; raises `ConfigError(refusal)` after many draws without a new one."""
    seen = set[Drawn | None]([None])
    for _ in range(count):
        draws = (draw_one() for _ in range(_REDRAWS))
        drawn = next((new for new in draws if new not in seen), None)
        if drawn is None:
            raise ConfigError(refusal)
        seen.add(drawn)
        yield drawn
