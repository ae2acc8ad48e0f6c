"""Dynamic sampling (DAPO, arXiv 2503.14476 §3.2): further prompts in place of groups that were all right or all wrong.

Not in the report, whose effective batch shrinks (PAPER §2.2 rule 3). `rollout.refill` is the most rounds to draw.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from or1_trainer.algorithm.groups import Group
from or1_trainer.train.state import RunState


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """Groups of one step: all that were drawn, and those that are trained on."""

    drawn: Sequence[Group]
    trained: Sequence[Group]
    rounds: int = 0

    def metrics(self) -> dict[str, float]:
        """`refill/*`: rounds beyond the first, and groups with an advantage that found no room."""
        surplus = sum(group.has_signal for group in self.drawn) - len(self.trained)
        return {"refill/rounds": self.rounds, "refill/drawn": len(self.drawn), "refill/surplus": surplus}


Draw = Callable[[int, RunState], tuple[list[Group], RunState]]
"""(round, state) -> one more batch of prompts, rolled out and judged, and the state with the cursor behind them."""


def filled(state: RunState, *, prompts: int, rounds: int, draw: Draw) -> tuple[Batch, RunState]:
    """Draw once, and again until `prompts` groups have an advantage or `rounds` more batches were drawn.

    The first groups with an advantage are taken, in the order of drawing, so that nothing depends on which finished
    early. Without rounds everything drawn is handed on, and rejection is left to the update.
    """
    drawn, state = draw(0, state)
    if not rounds:
        return Batch(drawn=drawn, trained=drawn), state
    used = 0
    while used < rounds and sum(group.has_signal for group in drawn) < prompts:
        used += 1
        more, state = draw(used, state)
        drawn = drawn + more
    trained = [group for group in drawn if group.has_signal][:prompts]
    return Batch(drawn=drawn, trained=trained, rounds=used), state
