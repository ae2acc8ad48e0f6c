r"""Lettered sums: each term has a name, so that a solution may take them in any order.

    A7B3C5=?    the sum of A = 7, B = 3 and C = 5, answered `\boxed{15}`

How hard a problem is follows from its number of terms. Training and held-out part cannot overlap: which part a sum
belongs to is a hash of its sorted terms.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from or1_data.schema import Problem, make_problem
from or1_trainer.errors import ConfigError

LETTERS: Final = "ABCDEFGHIJKL"
ALPHABET: Final = LETTERS + "0123456789;=?\\boxed{}"
"""Every character of problems and solutions, each once."""
HELDOUT_SHARE: Final = 8
"""One set of terms in this many belongs to the held-out part."""
_REDRAWS: Final = 10_000

Split = Literal["train", "heldout"]
Terms = tuple[int, ...]
"""One-digit numbers; the first is A, the second B, and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """How many terms a sum has: every number is as likely as any other."""

    least: int
    most: int

    def __post_init__(self) -> None:
        """Refuse lengths that no sum has."""
        if not 2 <= self.least <= self.most <= len(LETTERS):
            raise ConfigError(f"need 2 <= min_terms <= max_terms <= {len(LETTERS)}, got {self.least} and {self.most}")


def lettered_problems(split: Split, count: int, seed: int, lengths: Lengths, *, template: str) -> Iterator[Problem]:
    """`count` different problems of one part. Raises `ConfigError` where there are not so many."""
    rng, seen = stream(seed, split), set[Terms]()
    for index in range(count):
        terms = _fresh(rng, split, lengths, seen)
        yield make_problem(
            text_of(terms),
            sum(terms),
            ability="math",
            data_source=f"lettered-{len(terms)}-terms",
            template=template,
            extra_info={"index": index, "split": split, "terms": len(terms)},
        )


def draw(rng: random.Random, split: Split, lengths: Lengths) -> Terms:
    """A sum of the given part."""
    while True:
        terms = tuple(rng.randint(1, 9) for _ in range(rng.randint(lengths.least, lengths.most)))
        if split_of(terms) == split:
            return terms


def text_of(terms: Terms) -> str:
    """The problem as the policy reads it: `A7B3C5=?`."""
    return "".join(f"{letter}{value}" for letter, value in zip(LETTERS, terms, strict=False)) + "=?"


def split_of(terms: Terms) -> Split:
    """Which part a sum belongs to, whatever the order of its terms."""
    digest = hashlib.sha256(" ".join(map(str, sorted(terms))).encode()).digest()
    return "heldout" if int.from_bytes(digest[:8], "big") % HELDOUT_SHARE == 0 else "train"


def stream(seed: int, name: str) -> random.Random:
    """Random numbers of one purpose; the same on every machine."""
    return random.Random(f"or1-lettered:{name}:{seed}")


def _fresh(rng: random.Random, split: Split, lengths: Lengths, seen: set[Terms]) -> Terms:
    for _ in range(_REDRAWS):
        terms = draw(rng, split, lengths)
        if terms not in seen:
            seen.add(terms)
            return terms
    raise ConfigError(f"there are not enough lettered sums ({split}); ask for fewer, or raise max_terms")
