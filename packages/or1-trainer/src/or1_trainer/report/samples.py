"""Sampled rollouts of a run, as the report shows them: prompt, responses, verdicts and advantages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from or1_trainer.metrics.rollout_log import RolloutRecord, read_rollouts

T = TypeVar("T")

_MOST_STEPS = 8
_MOST_GROUPS = 2
_MOST_RESPONSES = 6
_MOST_CHARACTERS = 3000


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Responses to one prompt, the highest advantage first."""

    caption: str
    prompt: str
    responses: list[RolloutRecord]


def sampled_steps(files: Sequence[tuple[int, Path]]) -> dict[int, list[Group]]:
    """Read up to 8 steps, evenly spread over the run, with up to two groups each."""
    return {step: _groups(path) for step, path in _spread(files, _MOST_STEPS)}


def _spread(items: Sequence[T], most: int) -> list[T]:
    """Return at most `most` of the items, evenly spread, with the first and the last."""
    if len(items) <= most:
        return list(items)
    return [items[round(i * (len(items) - 1) / (most - 1))] for i in range(most)]


def _groups(path: Path) -> list[Group]:
    groups: dict[str, list[RolloutRecord]] = {}
    for record in read_rollouts(path):
        groups.setdefault(record.problem_id, []).append(record)
    # Groups with both right and wrong answers come first: they are what the step learned from.
    shown = sorted(groups.values(), key=lambda group: -len({record.reward for record in group}))[:_MOST_GROUPS]
    return [_group(group) for group in shown]


def _group(group: list[RolloutRecord]) -> Group:
    ranked = sorted(group, key=lambda record: (-(record.advantage or 0.0), record.num_tokens))
    solved = sum(record.status == "correct" for record in group)
    return Group(
        caption=f"problem {group[0].problem_id} · {solved} of {len(group)} solved",
        prompt=group[0].prompt,
        responses=_spread(ranked, _MOST_RESPONSES),
    )


def shortened(text: str) -> str:
    """A long text keeps its beginning, and its end with the answer."""
    if len(text) <= _MOST_CHARACTERS:
        return text
    half = _MOST_CHARACTERS // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters left out …\n{text[-half:]}"
