"""The groups of one step in numbers: outcomes, advantages, which samples are trained on, and the batch's metrics.

Token ids stay with the rank that sampled them; these arrays are small and whole on every rank.
Axes: P problems of the step, G responses to each.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from or1_reward.types import Status, Verdict
from or1_rollout.types import Completion, FinishReason
from or1_trainer.algorithm.advantages import group_advantages, overlong_penalty
from or1_trainer.algorithm.reward_terms import decoupled_advantages, weighted_sum
from or1_trainer.config.schema import LossSettings

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Outcomes(NamedTuple):
    """What rewards, advantages and metrics are computed from, [P, G] each."""

    rewards_PG: Floats
    """The verdict's, or the weighted sum of `terms_PGR`. NaN where the verifier or a reward failed: such a response has
    no reward."""
    statuses_PG: NDArray[np.str_]
    """`or1_reward.Status` values."""
    lengths_PG: Ints
    """Response tokens that the policy sampled."""
    totals_PG: Ints
    """Response tokens with those of observations."""
    truncated_PG: Bools
    versions_PG: Ints
    """Weight version that sampled the response, or began to."""
    newest_PG: Ints
    """Weight version that sampled its end."""
    has_logprobs_PG: Bools
    """Whether the engine gave log-probs with the tokens."""
    answers_PG: Ints
    """Hash of the answer that was judged; 0 where there was none."""
    terms_PGR: Floats
    """Value of each of the recipe's R rewards, NaN where it failed; R is 0 where the verdict is the reward."""
    weights_PR: Floats
    """Weight of each reward for each problem, NaN where it does not count for it."""


def outcomes_of(
    completions_PG: Sequence[Sequence[Completion]],
    verdicts_PG: Sequence[Sequence[Verdict]],
    group: int,
    terms: tuple[Floats, Floats] | None = None,
) -> Outcomes:
    """The numbers of some completions and their verdicts; `group` is G, for the shape where P is 0.

    `terms` are values [P, G, R] and weights [P, R] of the recipe's rewards, where it has any.
    """
    shape = (len(completions_PG), group)
    completions = [completion for row in completions_PG for completion in row]
    verdicts = [verdict for row in verdicts_PG for verdict in row]
    verdict_rewards = [np.nan if verdict.reward is None else verdict.reward for verdict in verdicts]
    terms_PGR, weights_PR = terms or (np.zeros((*shape, 0)), np.zeros((shape[0], 0)))
    return Outcomes(
        rewards_PG=weighted_sum(terms_PGR, weights_PR)
        if terms
        else np.array(verdict_rewards, np.float64).reshape(shape),
        statuses_PG=np.array([verdict.status.value for verdict in verdicts], np.str_).reshape(shape),
        lengths_PG=np.array([c.num_sampled for c in completions], np.int64).reshape(shape),
        totals_PG=np.array([len(c.token_ids) for c in completions], np.int64).reshape(shape),
        truncated_PG=np.array([c.finish_reason is FinishReason.LENGTH for c in completions], np.bool_).reshape(shape),
        versions_PG=np.array([c.weight_version for c in completions], np.int64).reshape(shape),
        newest_PG=np.array([_newest(c) for c in completions], np.int64).reshape(shape),
        has_logprobs_PG=np.array([c.logprobs is not None for c in completions], np.bool_).reshape(shape),
        answers_PG=np.array([answer_hash(verdict.extracted) for verdict in verdicts], np.int64).reshape(shape),
        terms_PGR=terms_PGR,
        weights_PR=weights_PR,
    )


def _newest(completion: Completion) -> int:
    return completion.segments[-1].weight_version if completion.segments else completion.weight_version


def answer_hash(answer: str | None) -> int:
    """The same number for the same answer on every rank and machine; 0 for none."""
    return zlib.crc32(answer.encode("utf-8", errors="replace")) + 1 if answer else 0


def merge_outcomes(parts: Sequence[Outcomes], places: Sequence[Sequence[int]]) -> Outcomes:
    """The outcomes of all problems; those of `parts[i]` belong to the problems `places[i]`."""
    order = np.argsort(np.concatenate([np.asarray(place, np.int64) for place in places]))
    return Outcomes(*(np.concatenate(column)[order] for column in zip(*parts, strict=True)))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Groups:
    """The outcomes of all problems of a step with their group advantages."""

    problem_ids: tuple[str, ...]
    outcomes: Outcomes
    advantages_PG: Floats

    @property
    def has_signal_P(self) -> Bools:
        """Whether any response of the group has an advantage: the groups that eq. 3.1 of arXiv 2505.22312 sums over."""
        signal_P: Bools = (self.advantages_PG != 0).any(axis=1)
        return signal_P

    def __add__(self, other: "Groups") -> "Groups":
        """The problems of both, in this order."""
        columns = zip(self.outcomes, other.outcomes, strict=True)
        return Groups(
            problem_ids=self.problem_ids + other.problem_ids,
            outcomes=Outcomes(*(np.concatenate(column) for column in columns)),
            advantages_PG=np.concatenate((self.advantages_PG, other.advantages_PG)),
        )


def with_advantages(
    problem_ids: Sequence[str],
    outcomes: Outcomes,
    settings: LossSettings,
    *,
    limits_P: Sequence[int],
    normalization: Literal["sum", "each"] = "sum",
) -> Groups:
    """Attach group advantages to outcomes; `limits_P` is the longest response to each problem."""
    if normalization == "each" and outcomes.terms_PGR.shape[2]:
        advantages_PG = decoupled_advantages(
            outcomes.terms_PGR,
            outcomes.weights_PR,
            torch.from_numpy(outcomes.truncated_PG),
            mask=settings.advantage_mask,
            normalize_std=settings.normalize_std,
        )
        return Groups(problem_ids=tuple(problem_ids), outcomes=outcomes, advantages_PG=advantages_PG.numpy())
    penalty_PG = overlong_penalty(
        torch.from_numpy(outcomes.lengths_PG),
        limit_P1=torch.tensor(limits_P, dtype=torch.float64)[:, None],
        buffer_tokens=settings.overlong_buffer_tokens,
    )
    advantages_PG = group_advantages(
        torch.from_numpy(np.nan_to_num(outcomes.rewards_PG)) + penalty_PG,
        torch.from_numpy(~np.isnan(outcomes.rewards_PG)),
        torch.from_numpy(outcomes.truncated_PG),
        mask=settings.advantage_mask,
        normalize_std=settings.normalize_std,
    )
    return Groups(problem_ids=tuple(problem_ids), outcomes=outcomes, advantages_PG=advantages_PG.numpy())


def split_minibatches(
    groups: Groups, problems: Sequence[int], mini_prompts: int, *, reject: bool
) -> list[list[tuple[int, int]]]:
    """The samples of each optimizer step, as (problem, response) places in `groups`.

    Mini-batches are cut from the `problems` of the drawn batch, before groups without advantage are rejected
    (arXiv 2505.22312, tables 10 to 12): one whose groups were all rejected makes no step. `mini_prompts` 0 means one
    step for all. A response without a reward is left out.
    """
    size = mini_prompts or max(len(problems), 1)
    slices = [problems[start : start + size] for start in range(0, len(problems), size)]
    is_kept_P = groups.has_signal_P | (not reject)
    has_reward_PG = ~np.isnan(groups.outcomes.rewards_PG)
    kept = [[(p, int(g)) for p in part if is_kept_P[p] for g in np.flatnonzero(has_reward_PG[p])] for part in slices]
    return [places for places in kept if places]


def group_metrics(groups: Groups) -> dict[str, float]:
    """Rewards, truncation and group outcomes over the whole batch, before rejection."""
    rewards_PG, statuses_PG, lengths_PG, totals_PG, truncated_PG, *_ = groups.outcomes
    is_correct_PG, is_error_PG = statuses_PG == Status.CORRECT, statuses_PG == Status.VERIFIER_ERROR
    has_reward_PG = ~np.isnan(rewards_PG)
    return {
        "reward/mean": _mean(rewards_PG[has_reward_PG]),
        "reward/truncated_rate": _mean(truncated_PG),
        "reward/no_answer_rate": _mean(statuses_PG == Status.NO_ANSWER),
        "reward/verifier_errors": int(is_error_PG.sum()),
        "group/kept_rate": _mean(groups.has_signal_P),
        "group/solve_all_rate": _mean(is_correct_PG.all(axis=1)),
        "group/solve_none_rate": _mean(~(is_correct_PG | is_error_PG).any(axis=1)),
        "response/length_mean": _mean(lengths_PG),
        "response/length_max": int(lengths_PG.max()),
        "tokens/response": int(lengths_PG.sum()),
        "tokens/observed": int((totals_PG - lengths_PG).sum()),
    }


def staleness_metrics(groups: Groups, trained_version: int) -> dict[str, float]:
    """How many weight versions lie between sampling and training, and whether length decides what is trained on.

    `rollout/trained_length_ratio` is the mean length of the responses trained on over that of all sampled ones. Work
    thrown away for being late would pull it below 1; here only rejection moves it.
    """
    ages_PG = trained_version - groups.outcomes.versions_PG
    offered, trained = groups.outcomes.lengths_PG, groups.outcomes.lengths_PG[groups.has_signal_P]
    return {
        "rollout/staleness_mean": _mean(ages_PG),
        "rollout/staleness_max": int(ages_PG.max()),
        "rollout/partial_rate": _mean(groups.outcomes.newest_PG != groups.outcomes.versions_PG),
        "rollout/trained_length_ratio": _mean(trained) / _mean(offered) if trained.size and offered.any() else 1.0,
    }


def _mean(values: NDArray[np.generic]) -> float:
    return float(values.mean()) if values.size else 0.0
