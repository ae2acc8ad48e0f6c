"""What the engine asks of a model while it decodes a batch; two kinds of model answer.

Axes: N rows of the batch, T tokens of a response, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from or1_rollout.engines.transformers.kept_turns import Prefix


class Batch(Protocol):
    """Rows in flight: their caches, and what the next token of each is sampled from."""

    def admit(self, prompts: Sequence[Sequence[int]], counts: Sequence[int], prefixes: Sequence[Prefix | None]) -> None:
        """Compute every prompt once, but not its prefix if it has one, and append `counts[p]` rows that continue it."""

    def next_logits(self) -> Tensor:
        """Logits of the next token of every row, [N, V]."""

    def keep(self, rows: Sequence[int]) -> None:
        """Let all other rows leave; row i is then the former row `rows[i]`."""

    def advance(self, tokens: Sequence[int]) -> None:
        """Append one token to every row, N of them."""

    def prefix(self, row: int, token_ids: Sequence[int]) -> Prefix:
        """What was computed for the first tokens of a row, prompt included: all of them but the last at most."""


class Decoder(Protocol):
    """A model that can decode batches."""

    named: dict[str, Tensor]
    """The tensors it computes with, by Hugging Face name; tied names share their memory."""
    is_continuous: bool
    """Whether rows may enter a batch that is being decoded, and batches give and take prefixes."""

    def new_batch(self, max_new_tokens: int) -> Batch:
        """An empty batch, whose rows get at most so many tokens."""

    def logits(self, prompt_ids: Sequence[int], response_ids: Sequence[int]) -> Tensor:
        """Logits that predict each token of the response, [T, V]."""
