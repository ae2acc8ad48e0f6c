"""Model-aware difficulty: how often a model solves a problem, with the number of attempts beside it."""

from or1_data.calls import Completion
from or1_data.difficulty.counts import PassCount, counts_of, merge, wilson
from or1_data.difficulty.estimate import Sampler, estimate_difficulty
from or1_data.difficulty.settings import DifficultySettings

__all__ = [
    "Completion",
    "DifficultySettings",
    "PassCount",
    "Sampler",
    "counts_of",
    "estimate_difficulty",
    "merge",
    "wilson",
]
