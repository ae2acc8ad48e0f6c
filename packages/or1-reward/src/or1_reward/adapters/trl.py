"""A reward function for TRL's `GRPOTrainer` and its relatives.

trainer = GRPOTrainer(reward_funcs=reward_function(), ...)   # the data set has a column `ground_truth`
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol

from or1_reward.code_settings import CodeSettings
from or1_reward.grading import Grader
from or1_reward.maths import TRAINING, MathSettings
from or1_reward.types import Limits


class RewardFunction(Protocol):
    """What TRL calls: keyword arguments, one list entry per completion."""

    __name__: str

    def __call__(
        self,
        *,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        """One reward per completion; None where the grader itself failed, which TRL leaves out of the reward."""


def reward_function(
    *,
    column: str = "ground_truth",
    eos_token_ids: Collection[int] = (),
    workers: int = 1,
    settings: MathSettings | None = None,
    code: CodeSettings | None = None,
    limits: Limits | None = None,
) -> RewardFunction:
    """Make a reward function for TRL.

    Args:
        column: the data set's column with the ground truth, as in a problem row.
        eos_token_ids: ids that end a completion. TRL does not say which completions were cut off; with these given, a
            completion whose last id is none of them counts as truncated and scores 0.
        workers: verdicts at a time.
        settings: of the maths verifier; None is `or1_reward.maths.TRAINING`.
        code: of the code verifier: how outputs are compared where the row does not say, and partial scores.
        limits: of one verdict.
    """
    grader = Grader(settings or TRAINING, code)
    ends = frozenset(eos_token_ids)

    def or1_reward(
        *,
        prompts: Sequence[Any],
        completions: Sequence[Any],
        completion_ids: Sequence[Sequence[int]] | None = None,
        **columns: Any,
    ) -> list[float | None]:
        if column not in columns:
            raise KeyError(f"the data set has no column {column!r}; it has {sorted(columns)}. Pass column=...")
        reasons = [_finish_reason(ids, ends) for ids in completion_ids or [()] * len(prompts)]
        items = zip(map(_text, completions), columns[column], reasons, strict=True)
        verdicts = grader.verify_many(items, workers, limits=limits or Limits())
        return [verdict.reward for verdict in verdicts]

    return or1_reward


def _text(completion: Any) -> str:
    """A completion is text, or messages the last of which is the answer; without either there is no answer."""
    if isinstance(completion, str):
        return completion
    content = completion[-1].get("content") if completion else None
    if isinstance(content, str):
        return content
    return "".join(part.get("text") or "" for part in content or () if isinstance(part, Mapping))


def _finish_reason(ids: Sequence[int], ends: frozenset[int]) -> str | None:
    if not ends or not len(ids):
        return None
    return "stop" if int(ids[-1]) in ends else "length"
