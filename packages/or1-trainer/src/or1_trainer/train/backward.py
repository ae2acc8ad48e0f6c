"""Micro-batches through the model and back, side by side in lanes where the CPU has several cores.

A lane adds up the gradients of its own micro-batches, and the lanes' sums are added in their order: the same numbers at
every run.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from or1_rollout.lanes import in_lanes
from or1_trainer.algorithm.mismatch import mismatch_sums
from or1_trainer.algorithm.packing import PackedBatch
from or1_trainer.algorithm.policy_loss import Extent, policy_loss
from or1_trainer.policy.model import Policy
from or1_trainer.policy.token_stats import TokenStats
from or1_trainer.train.learner import Learner
from or1_trainer.train.loss_inputs import Constants
from or1_trainer.train.update_metrics import Report

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """A micro-batch with what its loss is compared with; `stats` where the forward pass was made before."""

    batch: PackedBatch
    constants: Constants
    stats: TokenStats | None = None


def stats_of(learner: Learner, batches: Sequence[PackedBatch], *, keep: bool) -> list[TokenStats]:
    """The forward pass of every micro-batch; `keep` what a backward pass needs."""

    def lane(batches: Sequence[PackedBatch]) -> list[TokenStats]:
        with torch.set_grad_enabled(keep):
            return [learner.stats(batch) for batch in batches]

    return [stats for part in in_lanes(lane, _shares(batches, learner.lanes)) for stats in part]


def differentiate(learner: Learner, parts: Sequence[Part], alpha: float, extent: Extent) -> list[Report]:
    """Add the gradient of these micro-batches' loss to the optimizer's."""
    return back_in_lanes(lambda part: _loss(learner, part, alpha, extent), parts, learner.policy, learner.lanes)


def back_in_lanes(
    loss_of: Callable[[Item], tuple[Tensor, Result]], items: Sequence[Item], policy: Policy, lanes: int
) -> list[Result]:
    """Add the gradients of every item's loss to those of the policy; what else `loss_of` returned, in order."""
    shares = _shares(items, lanes)
    if len(shares) == 1:
        return [_backward(loss_of, item) for item in items]
    parameters = [parameter for parameter in policy.model.parameters() if parameter.requires_grad]

    def lane(items: Sequence[Item]) -> tuple[list[Result], list[Tensor]]:
        results: list[Result] = []
        total: list[Tensor] = []
        for item in items:
            loss, result = loss_of(item)
            total = _added(total, list(torch.autograd.grad(loss, parameters)))
            results.append(result)
        return results, total

    done = in_lanes(lane, shares)
    for _, total in done:
        torch._foreach_add_([parameter.grad for parameter in parameters], total)
    return [result for results, _ in done for result in results]


def _added(total: list[Tensor], grads: list[Tensor]) -> list[Tensor]:
    if not total:
        return grads
    torch._foreach_add_(total, grads)
    return total


def _backward(loss_of: Callable[[Item], tuple[Tensor, Result]], item: Item) -> Result:
    loss, result = loss_of(item)
    loss.backward()
    return result


def _loss(learner: Learner, part: Part, alpha: float, extent: Extent) -> tuple[Tensor, Report]:
    stats = part.stats if part.stats is not None else learner.stats(part.batch)
    terms = policy_loss(part.constants.tokens(part.batch, stats), learner.loss, extent, alpha=alpha)
    engine_M, constants = part.batch.engine_logprobs_M, part.constants
    mismatch = None if engine_M is None else mismatch_sums(constants.trainer_M, engine_M, constants.correction_M)
    return terms.loss, Report(sums=terms.sums, mismatch=mismatch)


def _shares(items: Sequence[Item], lanes: int) -> list[Sequence[Item]]:
    """Runs of neighbours, as many each."""
    count = max(1, min(lanes, len(items)))
    return [items[len(items) * lane // count : len(items) * (lane + 1) // count] for lane in range(count)]
