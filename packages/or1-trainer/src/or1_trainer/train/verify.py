"""Verdicts for groups of completions, each rank judging its share."""

from __future__ import annotations

from collections.abc import Sequence

from or1_reward import parse_ground_truth, verify_many
from or1_reward.types import Verdict
from or1_rollout.types import Completion
from or1_trainer.train.fleet import Exchange, interleave


def judge(
    completions_PG: Sequence[Sequence[Completion]],
    ground_truths: Sequence[str],
    exchange: Exchange,
    *,
    workers: int = 1,
) -> list[list[Verdict]]:
    """[P][G] verdicts on every rank. A truncated completion is `truncated`, reward 0, whatever it contains."""
    rank, world = exchange.runtime.rank, exchange.runtime.world_size
    mine = list(zip(completions_PG, ground_truths, strict=True))[rank::world]
    items = [
        {"response": c.text, "ground_truth": truth, "finish_reason": c.finish_reason.value}
        for group, truth in ((group, parse_ground_truth(truth)) for group, truth in mine)
        for c in group
    ]
    flat = iter(verify_many(items, workers=workers))
    verdicts = [[next(flat) for _ in group] for group, _ in mine]
    return interleave(exchange.gather(verdicts))
