"""Evaluation inside somebody's training loop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from or1_eval.errors import EvalError
from or1_eval.evaluate import evaluate
from or1_eval.report import Report
from or1_eval.tasks import load_task
from or1_eval.types import Task


def metrics(report: Report, prefix: str = "eval") -> dict[str, float]:
    """The numbers of a report as flat metrics, `eval/aime24/avg@4` and so on."""
    name = f"{prefix}/{report.task}"
    found = {
        f"{name}/avg@{report.k}": report.avg,
        f"{name}/low": report.low,
        f"{name}/high": report.high,
        f"{name}/truncated_rate": report.truncated_rate,
        f"{name}/mean_tokens": report.mean_tokens,
    }
    return found | {f"{name}/pass@{j}": estimate.value for j, estimate in report.pass_at.items()}


class PeriodicEval:
    """Evaluates every so many steps: call it with the step, get metrics or nothing.

    The seeds depend on problem and sample alone, so two evaluations differ by the policy and not by luck.
    `reports` keeps what was found, by step. With `run_dir`, each step has a run folder of its own below it.
    """

    def __init__(
        self,
        task: Task | str | Path,
        engine: Any,
        *,
        every: int,
        k: int | None = None,
        run_dir: str | Path | None = None,
        on_report: Callable[[int, Report], None] | None = None,
        **settings: Any,
    ) -> None:
        """Load the task once; `settings` go to `evaluate`."""
        if every < 1:
            raise EvalError(f"every is a number of steps, at least 1, not {every}")
        self.task = task if isinstance(task, Task) else load_task(task)
        self.engine, self.every, self.k = engine, every, k
        self.reports: dict[int, Report] = {}
        self._run_dir = None if run_dir is None else Path(run_dir)
        self._on_report, self._settings = on_report, settings

    def __call__(self, step: int) -> dict[str, float]:
        """The metrics of this step; empty between evaluations."""
        if step % self.every or step in self.reports:
            return {}
        run_dir = None if self._run_dir is None else self._run_dir / f"step_{step:06d}"
        report = evaluate(self.task, self.engine, k=self.k, run_dir=run_dir, **self._settings)
        self.reports[step] = report
        if self._on_report is not None:
            self._on_report(step, report)
        return metrics(report)


def transformers_callback(periodic: PeriodicEval) -> Any:
    """A `transformers.TrainerCallback` (so for TRL's trainers too) that evaluates and logs with the trainer's metrics.

    `periodic.engine` must read the live weights of the model that is trained, for example a function that calls its
    `generate`.
    """
    from transformers import TrainerCallback

    class EvalCallback(TrainerCallback):
        """Runs `periodic` before training and after every step that is due."""

        def on_train_begin(self, args: Any, state: Any, control: Any, **known: Any) -> None:
            self._run(state, **known)

        def on_step_end(self, args: Any, state: Any, control: Any, **known: Any) -> None:
            self._run(state, **known)

        def _run(self, state: Any, model: Any = None, **_: Any) -> None:
            training = model is not None and model.training
            if training:
                model.eval()
            found = periodic(state.global_step)
            if training:
                model.train()
            if found:
                state.log_history.append(found | {"step": state.global_step})

    return EvalCallback()
