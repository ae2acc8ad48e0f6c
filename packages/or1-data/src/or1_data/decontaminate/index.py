"""The benchmark side: features of all items, inverted, with weights; saved as hashes and numbers, never as text.

Axes: B benchmark items, V distinct features of one kind.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from or1_data.decontaminate.features import KINDS, Features, features
from or1_data.errors import SourceError
from or1_data.text.frequencies import word_weights
from or1_data.text.shingles import I64, U32, Shingles

_FORMAT: Final = 4
_PRIOR: Final = 1000.0
"""A small benchmark says little about how rare a feature is: weights are as if there were at least so many items."""
_COMMON_ITEMS: Final = 50
_COMMON_SHARE: Final = 0.1
"""What more than this share of the items (and more than a few) have in common says nothing, and is not looked up."""


_COMMON_WORD: Final = 1.0
"""Words of less weight (in more than about a third of all problems) are not looked up either."""
_LOOKED_UP: Final = ("grams", "masked", "words")
_IN_HEAD: Final = tuple(name for name in Features.__dataclass_fields__ if name not in KINDS)

_SECRET: Final = frozenset({"answers", "answer_weights"})
"""Left out of a saved index: a hash of a short answer is soon guessed."""


class Item(NamedTuple):
    """One benchmark problem: `text` is empty in an index read from disk, unless its file was given again."""

    benchmark: str
    reference: str
    text: str = ""
    ability: str = "math"
    truth: str = ""
    """The ground truth as JSON text, if known: the tests of a programming problem are looked for, too."""


@dataclass(frozen=True, slots=True)
class Inverted:
    """One kind of feature: sorted `vocabulary` [V], its `weights` [V], and per feature the items that have it (CSR)."""

    vocabulary: U32
    weights: np.ndarray
    items: I64
    offsets: I64
    item_weight: np.ndarray
    """[B] sum of the weights of an item's features."""
    item_norm: np.ndarray
    """[B] Euclidean norm of the same."""

    def locate(self, values: U32) -> tuple[I64, np.ndarray]:
        """Positions in the vocabulary, and which of `values` are in it."""
        if not len(self.vocabulary):
            return np.zeros(len(values), np.int64), np.zeros(len(values), bool)
        position = np.minimum(np.searchsorted(self.vocabulary, values), len(self.vocabulary) - 1)
        return position, self.vocabulary[position] == values


@dataclass(frozen=True, slots=True)
class BenchmarkIndex:
    """All items of all benchmarks, ready to be matched."""

    items: list[Item]
    features: Features
    inverted: dict[str, Inverted] = field(repr=False)

    @property
    def has_code(self) -> bool:
        """Whether there is a programming problem to compare with."""
        return any(item.ability == "code" for item in self.items)

    def save(self, path: str | Path) -> None:
        """Write the index: hashes, the numbers of the statements and references; no text and no answers."""
        arrays: dict[str, Any] = {}
        for kind in KINDS:
            shingles = self.features.kind(kind)
            arrays |= {f"{kind}_values": shingles.values, f"{kind}_offsets": shingles.offsets}
        head = {
            "format": _FORMAT,
            "items": [[item.benchmark, item.reference, item.ability] for item in self.items],
            "features": {name: getattr(self.features, name) for name in _IN_HEAD if name not in _SECRET},
        }
        with Path(path).open("wb") as stream:
            np.savez_compressed(stream, head=np.frombuffer(json.dumps(head).encode(), np.uint8), **arrays)

    @classmethod
    def load(cls, path: str | Path) -> BenchmarkIndex:
        """Read what `save` wrote.

        Raises:
            SourceError: not such a file, or of another version.
        """
        try:
            with np.load(Path(path), allow_pickle=False) as stored:
                head = json.loads(stored["head"].tobytes())
                kinds = {kind: Shingles(stored[f"{kind}_values"], stored[f"{kind}_offsets"]) for kind in KINDS}
        except (OSError, KeyError, ValueError) as error:
            told = error.strerror if isinstance(error, OSError) and error.strerror else "another kind of file"
            raise SourceError(
                f"{path}: not a benchmark index ({told}); build one with `or1-data decontaminate --save-index`"
            ) from error
        if head["format"] != _FORMAT:
            raise SourceError(f"{path}: index format {head['format']}, this version reads {_FORMAT}; build it again")
        unknown = {"answers": [""] * len(head["items"]), "answer_weights": [0.0] * len(head["items"])}
        parts: dict[str, Any] = {**kinds, **head["features"], **unknown}
        for name in ("numbers", "core_numbers"):
            parts[name] = [Counter(counts) for counts in parts[name]]
        found = Features(**parts)
        return _inverted_index(
            [Item(name, reference, "", ability) for name, reference, ability in head["items"]], found
        )


def build_index(items: Iterable[Item]) -> BenchmarkIndex:
    """An index of benchmark items."""
    items = list(items)
    code = any(item.ability == "code" for item in items)
    return _inverted_index(items, features([item.text for item in items], [item.truth for item in items], code=code))


def _inverted_index(items: list[Item], found: Features) -> BenchmarkIndex:
    return BenchmarkIndex(items, found, {kind: _invert(kind, found.kind(kind), len(items)) for kind in _LOOKED_UP})


def _invert(kind: str, shingles: Shingles, count: int) -> Inverted:
    owner = np.repeat(np.arange(count, dtype=np.int64), np.diff(shingles.offsets))
    order = np.argsort(shingles.values, kind="stable")
    vocabulary, frequency = np.unique(shingles.values[order], return_counts=True)
    weights = np.log1p(max(float(count), _PRIOR) / np.maximum(frequency, 1))
    common = frequency > max(_COMMON_ITEMS, _COMMON_SHARE * count)
    if kind == "words":
        weights = word_weights(vocabulary)
        common = weights < _COMMON_WORD
    weights[common] = 0.0
    per_value = weights[np.searchsorted(vocabulary, shingles.values)] if len(vocabulary) else np.zeros(0)
    listed = np.repeat(~common, frequency)
    return Inverted(
        vocabulary=vocabulary,
        weights=weights,
        items=owner[order][listed],
        offsets=np.concatenate([[0], np.cumsum(np.where(common, 0, frequency))]).astype(np.int64),
        item_weight=np.bincount(owner, per_value, minlength=count),
        item_norm=np.sqrt(np.bincount(owner, per_value**2, minlength=count)),
    )


def unseen_weight(count: int) -> float:
    """The weight of a feature that no item has."""
    return float(np.log1p(max(float(count), _PRIOR)))


def names(items: Sequence[Item]) -> list[str]:
    """The benchmarks in the order of their first items."""
    return list(dict.fromkeys(item.benchmark for item in items))
