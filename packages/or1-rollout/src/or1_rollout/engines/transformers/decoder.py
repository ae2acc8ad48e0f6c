"""What the engine asks of a model while it decodes one batch; two kinds of model answer.

Axes: N rows of the batch, P prompts, T tokens of a block, L positions, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor

from or1_rollout.types import SamplingParams


class Decoding(Protocol):
    """One batch in flight: the cache of its rows, and the logits of what comes next."""

    def draw(self, uniform_NT: Tensor) -> tuple[Tensor, Tensor]:
        """Draw T more tokens for every row; tokens and log-probs (float32 or float64), [N, T]."""

    def keep(self, rows: Tensor) -> None:
        """Let all other rows leave the batch; row i is then the former row `rows[i]`."""


class Decoder(Protocol):
    """A model that can start batches."""

    device: torch.device
    """Where its weights are."""
    takes_lanes: bool
    """Whether batches may be decoded side by side, one core each, and gain by it."""

    def start(self, prompts: Sequence[Sequence[int]], repeats: Sequence[int], params: SamplingParams) -> Decoding:
        """Compute every prompt once and give it `repeats[p]` rows of up to `params.max_new_tokens` tokens."""

    def logits(self, token_ids: Sequence[int]) -> Tensor:
        """Logits at every position of one sequence, [L, V]."""
