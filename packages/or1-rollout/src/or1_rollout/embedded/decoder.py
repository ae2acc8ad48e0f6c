"""What the engine asks of a model while it decodes one batch; two kinds of model answer.

Axes: N rows of the batch, P prompts, L positions, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor


class Decoding(Protocol):
    """One batch in flight: the cache of its rows."""

    def step(self, tokens_N: Tensor) -> Tensor:
        """Append one token to every row; logits of the next, float32 (or float64) [N, V]."""

    def keep(self, rows: Tensor) -> None:
        """Let all other rows leave the batch; row i is then the former row `rows[i]`."""


class Decoder(Protocol):
    """A model that can start batches."""

    def start(
        self, prompts: Sequence[Sequence[int]], repeats: Sequence[int], max_new_tokens: int
    ) -> tuple[Decoding, Tensor]:
        """Compute every prompt once and give it `repeats[p]` rows; the batch and its first logits [N, V]."""

    def logits(self, token_ids: Sequence[int]) -> Tensor:
        """Logits at every position of one sequence, [L, V]."""
