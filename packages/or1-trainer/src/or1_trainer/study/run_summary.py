"""Summary of a finished run as a small JSON file; all figures and numbers of a study are computed from summaries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from or1_trainer.config.schema import RunConfig, Settings
from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.files import naming_path, replace_file
from or1_trainer.metrics.log import Value, read_metrics
from or1_trainer.train.stages import total_steps

Kind = TypeVar("Kind")

SERIES = {
    "policy/entropy": "entropy",
    "reward/mean": "reward",
    "reward/truncated_rate": "truncated",
    "response/length_mean": "length",
    "policy/entropy_coef": "coefficient",
    "kl/k3": "kl",
    "loss/policy": "loss_policy",
    "loss/entropy_bonus": "loss_bonus",
}
"""Metric of `metrics.jsonl` -> its name in the summary; one value per step."""

BONUS_SERIES = ("policy/entropy_coef", "loss/entropy_bonus")
"""Omitted where they are 0 at every step: most runs have no entropy bonus."""

TOTALS = {
    "tokens/response": "tokens",
    "time/rollout_s": "rollout_s",
    "time/update_s": "update_s",
    "time/step_s": "step_s",
    "time/eval_s": "eval_s",
}
"""Metric of `metrics.jsonl` -> its name in the summary; the sum over the steps."""


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """Series have one value per training step, or None; evaluations have counts of right and of graded responses."""

    settings: dict[str, Any]
    """Settings that differ from their defaults."""
    series: dict[str, list[float | None]]
    totals: dict[str, float]
    eval_steps: list[int]
    eval_truncated: list[float]
    eval_length: list[float]
    problems: list[str]
    right: list[list[int]]
    """[evaluation][problem] number of right responses; `graded` likewise."""
    graded: list[list[int]]

    @property
    def accuracies(self) -> list[float]:
        """Return avg@k at each evaluation."""
        return [
            sum(r / g for r, g in zip(right, graded, strict=True) if g) / max(sum(g > 0 for g in graded), 1)
            for right, graded in zip(self.right, self.graded, strict=True)
        ]


def changed(settings: Settings) -> dict[str, Any]:
    """Return the settings that differ from their defaults, nested."""
    different: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Settings):
            if inner := changed(value):
                different[field.name] = inner
        elif field.required or value != field.default:
            different[field.name] = msgspec.to_builtins(value)
    return different


def is_finished(folder: Path, config: RunConfig) -> bool:
    """Return whether the last row of the run's metrics belongs to its last step."""
    rows = read_metrics(folder / "metrics.jsonl")
    return bool(rows) and rows[-1]["step"] == total_steps(config.stages) and "eval/avg" in rows[-1]


def summarize(folder: Path, config: RunConfig) -> RunSummary:
    """Summarize a run folder; raise `RunFolderError` if the run is not finished, or its evaluations are missing."""
    rows = read_metrics(folder / "metrics.jsonl")
    if not is_finished(folder, config):
        raise RunFolderError(f"{folder} is not finished; run the study again to resume it")
    trained = [row for row in rows if "reward/mean" in row]
    evals = [row for row in rows if "eval/avg" in row]
    files = [folder / "eval" / f"step_{int(row['step']):06d}.json" for row in evals]
    kind, advice = dict[str, tuple[int, int]], f"delete {folder} and run the study again"
    counts = [read_json(path, kind, "right and graded responses by problem", advice) for path in files]
    problems = list(counts[0])
    return RunSummary(
        settings=changed(config),
        series={
            short: [_rounded(row.get(key)) for row in trained]
            for key, short in SERIES.items()
            if any(row.get(key) if key in BONUS_SERIES else key in row for row in trained)
        },
        totals={short: _total(trained, key) for key, short in TOTALS.items()},
        eval_steps=[int(row["step"]) for row in evals],
        eval_truncated=[round(float(row["eval/truncated_rate"]), 4) for row in evals],
        eval_length=[round(float(row["eval/length_mean"]), 1) for row in evals],
        problems=problems,
        right=[[count[problem][0] for problem in problems] for count in counts],
        graded=[[count[problem][1] for problem in problems] for count in counts],
    )


def write_summary(run: RunSummary, path: Path) -> None:
    """Write compact JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, msgspec.json.encode(run) + b"\n", durable=False)


def read_summary(path: Path) -> RunSummary:
    """Read a summary; raise `RunFolderError` when the file is missing or damaged."""
    return read_json(path, RunSummary, "the summary of a run")


def read_json(path: Path, kind: type[Kind], what: str, advice: str = "run the study again") -> Kind:
    """Read a JSON file of a study; raise `RunFolderError` when it is missing, or is not `what` it should be."""
    with naming_path(path, "read"):
        content = path.read_bytes()
    try:
        return msgspec.json.decode(content, type=kind)
    except msgspec.MsgspecError as error:
        raise RunFolderError(f"{path}: not {what} ({error}); {advice}") from error


def _total(rows: Sequence[Mapping[str, Value]], key: str) -> float:
    return float(f"{sum(float(row.get(key, 0)) for row in rows):.6g}")


def _rounded(value: Value | None) -> float | None:
    return float(f"{value:.4g}") if isinstance(value, int | float) else None
