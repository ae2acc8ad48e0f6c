"""From verdicts to training samples: rewards, group advantages, rejection, and the figures of the batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from or1_reward.types import Status, Verdict
from or1_rollout.types import Completion, FinishReason
from or1_trainer.algorithm.advantages import group_advantages
from or1_trainer.algorithm.overlong import overlong_penalty
from or1_trainer.algorithm.packing import Sample
from or1_trainer.config.schema import LossSettings


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Group:
    """The responses to one problem in one step, and what became of them; all sequences have length G."""

    problem_id: str
    prompt_text: str
    prompt_ids: Sequence[int]
    completions: Sequence[Completion]
    verdicts: Sequence[Verdict]
    advantages: Sequence[float]

    @property
    def has_signal(self) -> bool:
        """Whether any response has an advantage: the groups T~_k of eq. 3.1."""
        return any(self.advantages)

    @property
    def rewards(self) -> list[float | None]:
        """Per response; None where the verifier failed."""
        return [verdict.reward for verdict in self.verdicts]

    def samples(self) -> list[Sample]:
        """Responses to train on. One that the verifier failed on has no reward and is left out."""
        return [
            Sample(
                prompt_ids=self.prompt_ids,
                response_ids=completion.token_ids.tolist(),
                advantage=advantage,
                engine_logprobs=None if completion.logprobs is None else completion.logprobs.tolist(),
            )
            for completion, verdict, advantage in zip(self.completions, self.verdicts, self.advantages, strict=True)
            if verdict.reward is not None
        ]


def score_groups(
    problems: Sequence[tuple[str, str, Sequence[int]]],
    completions_PG: Sequence[Sequence[Completion]],
    verdicts_PG: Sequence[Sequence[Verdict]],
    settings: LossSettings,
    *,
    context_tokens: int,
) -> list[Group]:
    """Attach group advantages; `problems` are (id, prompt text, prompt ids)."""
    rewards_PG = torch.tensor([[v.reward or 0.0 for v in group] for group in verdicts_PG], dtype=torch.float64)
    valid_PG = torch.tensor([[v.reward is not None for v in group] for group in verdicts_PG])
    truncated_PG = torch.tensor([[c.finish_reason is FinishReason.LENGTH for c in group] for group in completions_PG])
    lengths_PG = torch.tensor([[len(c.token_ids) for c in group] for group in completions_PG])
    penalty_PG = overlong_penalty(
        lengths_PG, context_tokens=context_tokens, buffer_tokens=settings.overlong_buffer_tokens
    )
    advantages_PG = group_advantages(
        rewards_PG + penalty_PG,
        valid_PG,
        truncated_PG,
        mask=settings.advantage_mask,
        normalize_std=settings.normalize_std,
    )
    return [
        Group(
            problem_id=problem_id,
            prompt_text=prompt_text,
            prompt_ids=prompt_ids,
            completions=completions,
            verdicts=verdicts,
            advantages=advantages,
        )
        for (problem_id, prompt_text, prompt_ids), completions, verdicts, advantages in zip(
            problems, completions_PG, verdicts_PG, advantages_PG.tolist(), strict=True
        )
    ]


def split_minibatches(groups: Sequence[Group], mini_prompts: int, *, reject: bool) -> list[list[Sample]]:
    """Samples per optimiser step: mini-batches are cut from the drawn batch, before rejection (PAPER §6).

    A mini-batch whose groups were all rejected makes no step. `mini_prompts` 0 means one step for all.
    """
    size = mini_prompts or max(len(groups), 1)
    slices = [groups[start : start + size] for start in range(0, len(groups), size)]
    kept = [[s for group in part if group.has_signal or not reject for s in group.samples()] for part in slices]
    return [samples for samples in kept if samples]


def group_metrics(groups: Sequence[Group]) -> dict[str, float]:
    """Rewards, truncation and group outcomes over the whole batch, before rejection."""
    rewards_PG = [group.rewards for group in groups]
    rewards = [reward for group in rewards_PG for reward in group if reward is not None]
    statuses = Counter(verdict.status for group in groups for verdict in group.verdicts)
    completions = [completion for group in groups for completion in group.completions]
    lengths = [len(completion.token_ids) for completion in completions]
    truncated = [completion.finish_reason is FinishReason.LENGTH for completion in completions]
    solved = [group.count(1.0) == len(group) for group in rewards_PG]
    missed = [group.count(0.0) == len(group) for group in rewards_PG]
    return {
        "reward/mean": _mean(rewards),
        "reward/truncated_rate": _mean(truncated),
        "reward/no_answer_rate": statuses[Status.NO_ANSWER] / max(statuses.total(), 1),
        "reward/verifier_errors": statuses[Status.VERIFIER_ERROR],
        "group/kept_rate": _mean([group.has_signal for group in groups]),
        "group/solve_all_rate": _mean(solved),
        "group/solve_none_rate": _mean(missed),
        "response/length_mean": _mean(lengths),
        "response/length_max": max(lengths),
        "tokens/response": sum(lengths),
    }


def staleness_metrics(groups: Sequence[Group], trained_version: int) -> dict[str, float]:
    """How many weight versions lie between sampling and training, and whether length decides what is trained on.

    `rollout/trained_length_ratio` compares the mean length of the responses trained on with that of all sampled: work
    thrown away for being late would pull it below 1 (PEERS §4.3); here only rejection moves it.
    """
    ages = [trained_version - c.weight_version for group in groups for c in group.completions]
    offered = [len(c.token_ids) for group in groups for c in group.completions]
    trained = [len(c.token_ids) for group in groups if group.has_signal for c in group.completions]
    return {
        "rollout/staleness_mean": _mean(ages),
        "rollout/staleness_max": max(ages),
        "rollout/trained_length_ratio": _mean(trained) / _mean(offered) if trained and any(offered) else 1.0,
    }


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
