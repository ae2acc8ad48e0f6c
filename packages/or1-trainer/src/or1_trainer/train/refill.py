"""Dynamic sampling (DAPO, arXiv 2503.14476, §3.2): further prompts in place of groups that were all right or all wrong.

An extension: the report's effective batch shrinks (Skywork-OR1, arXiv 2505.22312, §3.1). `rollout.refill` is the most
rounds to draw.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from or1_trainer.train.rollout_batch import RolloutBatch
from or1_trainer.train.state import RunState


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Filled:
    """All groups that were drawn for a step, and which of them it trains on."""

    batch: RolloutBatch
    trained: list[int]
    """Problems, in the order of drawing."""
    rounds: int = 0
    """Beyond the first."""

    def metrics(self) -> dict[str, float]:
        """`refill/*`: rounds beyond the first, groups drawn, and groups with an advantage that found no room."""
        surplus = int(self.batch.groups.has_signal_P.sum()) - len(self.trained)
        return {"refill/rounds": self.rounds, "refill/drawn": len(self.batch.problems), "refill/surplus": surplus}


Round = Callable[[int, RunState], tuple[RolloutBatch, RunState]]
"""(number of the round, state) -> the round's groups, and the state with the cursor behind them."""


def fill(state: RunState, *, prompts: int, rounds: int, roll_out: Round) -> tuple[Filled, RunState]:
    """Roll out one round, and more until `prompts` groups have an advantage or `rounds` more were drawn.

    The first groups with an advantage are taken, in the order of drawing, so that nothing depends on which finished
    early. Where `rounds` is 0 all groups are trained on, and rejection is left to `split_minibatches`.
    """
    batch, state = roll_out(0, state)
    if not rounds:
        return Filled(batch=batch, trained=list(range(len(batch.problems)))), state
    used = 0
    while used < rounds and batch.groups.has_signal_P.sum() < prompts:
        used += 1
        more, state = roll_out(used, state)
        batch = batch + more
    trained = [int(index) for index in np.flatnonzero(batch.groups.has_signal_P)[:prompts]]
    return Filled(batch=batch, trained=trained, rounds=used), state
