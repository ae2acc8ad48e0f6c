"""Comparison of runs: settings, versions, problems, and the first step and stage at which their numbers differ."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from or1_trainer.metrics.log import Row
from or1_trainer.metrics.rollout_log import RolloutRecord, read_rollouts
from or1_trainer.report.read_run import RunRecord

_MISSING = "–"

_ROLLOUT_STAGES: Mapping[str, Callable[[RolloutRecord], Any]] = {
    "problems": lambda record: record.problem_id,
    "prompts": lambda record: record.prompt,
    "seeds": lambda record: record.seed,
    "responses": lambda record: (record.response, record.num_tokens, record.finish_reason),
    "verdicts": lambda record: (record.status, record.reward),
    "advantages": lambda record: record.advantage,
}
"""Stages of a step that the sampled rollouts show, in the order of the data."""

_METRIC_STAGES: Mapping[str, tuple[str, ...]] = {
    "problems": ("hash/problems", "stage/index", "stage/problems"),
    "prompts": ("hash/prompts",),
    "seeds": (),
    "responses": (
        "hash/responses", "stage/context_tokens", "response/", "tokens/", "rollout/staleness", "reward/truncated_rate",
    ),
    "log-probs": ("hash/logprobs",),
    "verdicts": ("hash/verdicts", "reward/", "rewards/"),
    "refill": ("hash/refill", "refill/"),
    "advantages": ("hash/advantages", "group/", "rollout/"),
    "learning rate": ("optimizer/lr",),
    "loss": ("mismatch/", "policy/", "loss/", "kl/", "sft/"),
    "gradient norm": ("optimizer/grad_norm",),
    "weights": ("hash/weights", "optimizer/", "weights/"),
    "evaluation": ("eval/",),
}  # fmt: skip
"""Stages of a step -> the beginnings of the metrics that show them, in the order of the data.

The first is the hash, where there is one. It is exact, and of what the stage itself made: means over all responses also
change where verdicts had others drawn to refill the batch.
"""


_Values = tuple[str, str, str, str]
"""(stage, what is compared in it, value of the first run, value of the second)."""


@dataclass(frozen=True, slots=True)
class Divergence:
    """The first step at which two runs differ, the first stage in it, and one value that differs."""

    step: int
    stage: str
    what: str
    first: str
    second: str


def compared(trees: Sequence[Mapping[str, Any]]) -> tuple[list[tuple[str, ...]], list[tuple[str, ...]]]:
    """Return what differs between settings, versions or data, and what is equal: (dotted key, value in each tree)."""
    flat = [dict(flattened(tree)) for tree in trees]
    keys = dict.fromkeys(key for leaves in flat for key in leaves)
    rows = [(key, *(leaves.get(key, _MISSING) for leaves in flat)) for key in keys]
    return [row for row in rows if len(set(row[1:])) > 1], [row for row in rows if len(set(row[1:])) == 1]


def differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[tuple[str, ...]]:
    """Return (dotted key, value in the first, value in the second) of what differs."""
    return compared([first, second])[0]


def flattened(tree: object, prefix: str = "") -> list[tuple[str, str]]:
    """Return the dotted key and the text of every leaf; list items count from 0, as on the command line."""
    if isinstance(tree, Mapping):
        return [pair for key, value in tree.items() for pair in flattened(value, f"{prefix}.{key}" if prefix else key)]
    if isinstance(tree, list) and any(isinstance(item, Mapping) for item in tree):
        return [pair for number, item in enumerate(tree) for pair in flattened(item, f"{prefix}.{number}")]
    return [(prefix, str(tree))]


def divergence(first: RunRecord, second: RunRecord) -> Divergence | None:
    """Return where the runs first differ, or None if all common steps agree; durations are ignored."""
    rows, others = ({int(row["step"]): row for row in run.rows} for run in (first, second))
    files, other_files = dict(first.rollouts), dict(second.rollouts)
    for step in (step for step in rows if step in others):
        item = _divergence(step, _rollout_values(files.get(step), other_files.get(step)))
        number = _divergence(step, _metric_values(rows[step], others[step]))
        if found := _first(item, number, is_exact="hash/responses" in rows[step].keys() & others[step].keys()):
            return found
    return None


def _first(item: Divergence | None, number: Divergence | None, *, is_exact: bool) -> Divergence | None:
    """The earlier one, the item if they are of one stage; hashes know the stage better than sampled rollouts do."""
    if item is None or number is None:
        return item or number
    if is_exact:
        has_stage = item.stage == number.stage or (item.stage, number.stage) == ("seeds", "responses")
        return item if has_stage else number  # other seeds show in the hash of the responses
    order = [*_METRIC_STAGES, "other"]
    return min(item, number, key=lambda divergence: order.index(divergence.stage))


def _divergence(step: int, values: Iterable[_Values]) -> Divergence | None:
    return next((Divergence(step, *found) for found in values if found[-2] != found[-1]), None)


def _rollout_values(first: Path | None, second: Path | None) -> Iterator[_Values]:
    """The sampled rollouts of a step, if both runs kept some; the samples depend on step and problems alone."""
    if first is None or second is None:
        return
    pairs = list(itertools.zip_longest(read_rollouts(first), read_rollouts(second)))
    for stage, part in _ROLLOUT_STAGES.items():
        for pair in pairs:
            one, other = (_MISSING if record is None else str(part(record)) for record in pair)
            yield stage, f"problem {(pair[0] or pair[1]).problem_id}", one, other


def _metric_values(first: Row, second: Row) -> Iterator[_Values]:
    """The metrics in the order of the data: of a stage its hash if both rows have it, else all its keys.

    What is left follows in the same order, then keys of no stage; durations are left out.
    """
    keys = {*first, *second}
    left = sorted(key for key in keys if not key.startswith(("time/", "memory/")) and key != "step")
    of_stage: dict[str, list[str]] = {}
    for stage, prefixes in _METRIC_STAGES.items():
        of_stage[stage] = [key for key in left if key.startswith(prefixes)]
        left = [key for key in left if not key.startswith(prefixes)]
    of_stage["other"], pairs = left, []
    for stage, prefixes in _METRIC_STAGES.items():
        exact = [key for key in prefixes[:1] if key in first and key in second]
        pairs += [(stage, key) for key in exact or of_stage[stage]]
    pairs += [(stage, key) for stage, stage_keys in of_stage.items() for key in stage_keys]
    for stage, key in pairs:
        yield stage, key, str(first.get(key, _MISSING)), str(second.get(key, _MISSING))
