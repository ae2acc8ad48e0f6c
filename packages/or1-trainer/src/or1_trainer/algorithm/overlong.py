"""Soft overlong punishment (DAPO, Yu et al. 2025, arXiv 2503.14476, eq. 13), off by default.

The penalty is 0 up to L_max - buffer tokens and falls linearly to -1 at L_max. It is added to the reward before the
advantages are computed.
"""

from __future__ import annotations

from torch import Tensor


def overlong_penalty(lengths_PG: Tensor, *, limit_P1: Tensor, buffer_tokens: int) -> Tensor:
    """Penalties in [-1, 0]; zeros where `buffer_tokens` is 0. [P, G] response lengths, [P, 1] limits -> [P, G]."""
    if not buffer_tokens:
        return lengths_PG.double() * 0.0
    return ((limit_P1 - buffer_tokens - lengths_PG.double()) / buffer_tokens).clamp(-1.0, 0.0)
