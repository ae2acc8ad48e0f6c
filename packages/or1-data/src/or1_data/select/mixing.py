"""Mixing sources by weight, and splitting into parts that never share a problem."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from or1_data.errors import ConfigError
from or1_data.schema import Problem

Row = TypeVar("Row")


def split(problem_id: str, parts: Mapping[str, float], seed: int = 0) -> str:
    """Which part a problem belongs to: by its content id alone, so equal problems are always together.

    Raises:
        ConfigError: no parts, or shares that are not positive.
    """
    if not parts or min(parts.values()) <= 0:
        raise ConfigError(f"split needs parts with positive shares, got {dict(parts)}")
    point = _unit(f"split:{seed}:{problem_id}") * sum(parts.values())
    for name, share in parts.items():
        point -= share
        if point < 0:
            return name
    return list(parts)[-1]


def mix(problems: Iterable[Problem], weights: Mapping[str, float], seed: int = 0) -> Iterator[Problem]:
    """Thin sources out: a source of weight 0.25 keeps about a quarter of its problems, a name ending in * covers many.

    Which ones is a function of content id and seed; sources without a weight keep everything. Weights above 1 are
    refused:
    repeating a problem is the trainer's business.

    Raises:
        ConfigError: a weight outside 0 to 1.
    """
    wrong = {name: weight for name, weight in weights.items() if not 0 <= weight <= 1}
    if wrong:
        raise ConfigError(f"mix: weights must be between 0 and 1, got {wrong}")
    for problem in problems:
        if _unit(f"mix:{seed}:{problem.id}") < weight_of(problem.data_source, weights):
            yield problem


def weight_of(source: str, weights: Mapping[str, float]) -> float:
    """The weight of a source: by its name, else by the longest prefix written as `name*`, else 1."""
    if source in weights:
        return weights[source]
    prefixes = [name for name in weights if name.endswith("*") and source.startswith(name[:-1])]
    return weights[max(prefixes, key=len)] if prefixes else 1.0


def in_order(rows: Iterable[Row], identifier: Callable[[Row], str], seed: int) -> list[Row]:
    """A shuffled order that depends on ids and seed alone, not on the order given."""
    return sorted(rows, key=lambda row: hashlib.sha256(f"order:{seed}:{identifier(row)}".encode()).digest())


def _unit(text: str) -> float:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
