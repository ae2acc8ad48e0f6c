"""Metrics of each source: how often it came, how many passes that makes, and how it goes."""

from __future__ import annotations

import numpy as np

from or1_trainer.algorithm.groups import Groups
from or1_trainer.train.dataset import Dataset
from or1_trainer.train.state import RunState


def source_metrics(groups: Groups, dataset: Dataset, state: RunState) -> dict[str, float]:
    """`sources/NAME.*`: prompts of this step, passes so far, mean reward, truncated and kept parts, mean length."""
    source_P = np.array([dataset.source_of(problem_id) for problem_id in groups.problem_ids])
    outcomes, metrics = groups.outcomes, dict[str, float]()
    for name in dataset.pools:
        chosen_P = source_P == name
        epoch, taken = state.cursors.get(name, (0, 0))
        left = len(dataset.left(name, state.dropped))
        metrics[f"sources/{name}.prompts"] = int(chosen_P.sum())
        metrics[f"sources/{name}.epochs"] = epoch + taken / max(left, 1)
        if chosen_P.any():
            rewards_PG = outcomes.rewards_PG[chosen_P]
            known = rewards_PG[~np.isnan(rewards_PG)]
            metrics[f"sources/{name}.reward"] = float(known.mean()) if known.size else 0.0
            metrics[f"sources/{name}.truncated"] = float(outcomes.truncated_PG[chosen_P].mean())
            metrics[f"sources/{name}.kept"] = float(groups.has_signal_P[chosen_P].mean())
            metrics[f"sources/{name}.length"] = float(outcomes.lengths_PG[chosen_P].mean())
    return metrics
