"""How telling a word or a number is: minus the logarithm of the share of problems that contain it.

`frequencies.txt` holds what is common in word problems, competition math or programming problems, in bands: band k is
a share of 2^-(k+1) to 2^-k of the problems of the kind in which it is most common. What is not listed is rare. Made by
`benchmarks/data_paraphrase_fit.py --frequencies`; it holds stems and numbers, no text of any problem.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np
import numpy.typing as npt

from or1_data.text.shingles import U32, shingles_of_tokens

BANDS: Final = 10
_NUMBER: Final = "#"
"""In the file, a number is written behind this sign."""


def band_of(share: float) -> int:
    """The band of a share of problems, at most `BANDS`."""
    return min(BANDS, math.floor(-math.log2(share))) if share > 0 else BANDS


def _weight(band: int) -> float:
    return math.log(2) * (band + 0.5)


RARE: Final = _weight(BANDS)
"""The weight, in nats, of what is not listed."""


@cache
def _bands() -> dict[str, int]:
    lines = files("or1_data.text").joinpath("frequencies.txt").read_text(encoding="utf-8").splitlines()
    return {token: int(band) for band, *tokens in map(str.split, lines) for token in tokens}


@cache
def _table() -> tuple[U32, npt.NDArray[np.float64]]:
    """Hashes of the listed words in ascending order, and their weights."""
    words = {token: band for token, band in _bands().items() if not token.startswith(_NUMBER)}
    hashes = shingles_of_tokens([[word] for word in words], 1).values
    order = np.argsort(hashes)
    return hashes[order], np.array([_weight(band) for band in words.values()])[order]


def word_weights(hashes: U32) -> npt.NDArray[np.float64]:
    """The weight of each word, given as its hash, in nats."""
    listed, weights = _table()
    if not len(listed):
        return np.full(len(hashes), RARE)
    position = np.minimum(np.searchsorted(listed, hashes), len(listed) - 1)
    return np.where(listed[position] == hashes, weights[position], RARE)


def word_weight(word: str) -> float:
    """The weight of one word (a stem of `content_words`), in nats."""
    return _weight(_bands().get(word, BANDS))


def number_weight(numbers: Iterable[tuple[str, int]]) -> float:
    """The weight of a multiset of numbers, in nats."""
    bands = _bands()
    return sum(_weight(bands.get(_NUMBER + number, BANDS)) * times for number, times in numbers)


def lines_of(words: dict[str, float], numbers: dict[str, float]) -> list[str]:
    """The lines of `frequencies.txt` from shares of problems."""
    bands: dict[int, list[str]] = {}
    for token, share in (words | {_NUMBER + number: share for number, share in numbers.items()}).items():
        if band_of(share) < BANDS:
            bands.setdefault(band_of(share), []).append(token)
    return [f"{band} {' '.join(sorted(tokens))}" for band, tokens in sorted(bands.items())]
