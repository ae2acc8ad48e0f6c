"""One seed per sample, a pure function of (run seed, task, problem, sample): any sample can be drawn again alone."""

from __future__ import annotations

import hashlib


def sample_seed(run_seed: int, task: str, problem_id: str, sample: int) -> int:
    """31-bit seed, which every engine and server takes; independent of order, of k, and of the Python process."""
    name = "\x1f".join((str(run_seed), task, problem_id, str(sample)))
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 33
