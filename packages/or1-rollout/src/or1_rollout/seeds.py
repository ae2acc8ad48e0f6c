"""Seeds of samples, and the random numbers of a seed by token position: any sample can be drawn again alone.

The uniforms come from SplitMix64 (Steele, Lea and Flood 2014), whose n-th output is a function of seed and n alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_GAMMA = np.uint64(0x9E3779B97F4A7C15)
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def sample_seed(run: int, step: int, problem: str | int, sample: int) -> int:
    """63-bit seed of one sample, of run, step, problem and index within the group."""
    digest = hashlib.blake2b(f"{run}/{step}/{problem}/{sample}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def turn_seed(seed: int, segment: int) -> int:
    """Seed of a further piece of a sample; that of the first is the sample's own."""
    return sample_seed(seed, 0, "turn", segment) if segment else seed


def uniforms_at(seeds: Sequence[int], positions: Sequence[int]) -> NDArray[np.float64]:
    """A number in [0, 1) for one token position of each seed, float64 [N]: output `position` of SplitMix64 from `seed`.

    It depends on seed and position only, whatever else is in the batch.
    """
    state = np.array([seed % 2**64 for seed in seeds], dtype=np.uint64)
    place = np.array(positions, dtype=np.uint64) + np.uint64(1)
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is the algorithm
        z = state + place * _GAMMA
        z = (z ^ (z >> np.uint64(30))) * _MIX_1
        z = (z ^ (z >> np.uint64(27))) * _MIX_2
        z ^= z >> np.uint64(31)
    uniform: NDArray[np.float64] = (z >> np.uint64(11)) * 2.0**-53
    return uniform
