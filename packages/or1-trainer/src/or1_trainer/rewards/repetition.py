"""`repetition`: a penalty for sequences of tokens that come again (arXiv 2502.03373; on tokens, not words)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from or1_trainer.config.rewards import RepetitionReward
from or1_trainer.rewards.group import Group, Values


class Repetition:
    """-(1 - different n-grams / all n-grams) of a response."""

    workers = 1

    def __init__(self, settings: RepetitionReward) -> None:
        self._width = settings.ngram_tokens

    def values(self, group: Group) -> Values:
        """See `Reward`."""
        return [
            -repeated_share(completion.token_ids[completion.is_sampled_T], self._width)
            for completion in group.completions
        ]

    def close(self) -> None:
        """Nothing to close."""


def repeated_share(token_ids: NDArray[np.int32], width: int) -> float:
    """The part of the sequences of `width` tokens that have come before; 0 where there are fewer than two."""
    if len(token_ids) <= width:
        return 0.0
    ngrams = np.lib.stride_tricks.sliding_window_view(token_ids, width)
    return 1.0 - len(np.unique(ngrams, axis=0)) / len(ngrams)
