"""Seeds by place, and random numbers by seed and position: any single sample can be drawn again.

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
    """63-bit seed of one sample, from where it stands: run, step, problem and number within the group."""
    digest = hashlib.blake2b(f"{run}/{step}/{problem}/{sample}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def derived_seeds(seed: int, num_prompts: int, num_samples: int) -> list[list[int]]:
    """[P][G] seeds for a call that was given none."""
    return [[sample_seed(seed, 0, prompt, sample) for sample in range(num_samples)] for prompt in range(num_prompts)]


def uniforms(seeds: Sequence[int], start: int, stop: int) -> NDArray[np.float64]:
    """Numbers in [0, 1) for token positions start..stop-1 of each seed, float64 [N, stop - start].

    Row n depends on seeds[n] and the positions only, whatever else is in the batch.
    """
    base_N1 = np.array([seed % 2**64 for seed in seeds], dtype=np.uint64)[:, None]
    place_T = np.arange(start + 1, stop + 1, dtype=np.uint64)
    with np.errstate(over="ignore"):  # arithmetic modulo 2^64 is the algorithm
        z_NT = base_N1 + place_T * _GAMMA
        z_NT = (z_NT ^ (z_NT >> np.uint64(30))) * _MIX_1
        z_NT = (z_NT ^ (z_NT >> np.uint64(27))) * _MIX_2
        z_NT ^= z_NT >> np.uint64(31)
    uniform_NT: NDArray[np.float64] = (z_NT >> np.uint64(11)) * 2.0**-53
    return uniform_NT
