"""What the page of `or1-eval view` shows, as plain data: an overview, and one file per problem with its samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from or1_eval.compare import TaskComparison, compare_reports
from or1_eval.errors import RunFolderError
from or1_eval.report import ProblemResult, Report
from or1_eval.results import load_reports
from or1_eval.runs.folder import RunFolder
from or1_eval.samples import Sample
from or1_eval.table import facts, notes
from or1_eval.types import Problem
from or1_eval.view.report_page import prompt_text, truth_text


@dataclass(frozen=True, slots=True)
class ViewedRun:
    """A run folder with its reports."""

    name: str
    folder: RunFolder
    reports: Mapping[str, Report]


def load_runs(paths: Sequence[Path]) -> list[ViewedRun]:
    """The runs, each under a name of its own. Raises `RunFolderError`."""
    folders = [RunFolder(path) for path in paths]
    names = [path.resolve().name for path in paths]
    shown = [name if names.count(name) == 1 else str(path) for name, path in zip(names, paths, strict=True)]
    return [ViewedRun(name, folder, load_reports(folder)) for name, folder in zip(shown, folders, strict=True)]


def overview(runs: Sequence[ViewedRun]) -> dict[str, Any]:
    """Runs, tasks, and the numbers of every problem."""
    tasks = list(dict.fromkeys(task for run in runs for task in run.reports))
    if not tasks:
        raise RunFolderError(f"no task in {', '.join(run.name for run in runs)}: nothing to show")
    return {"runs": [run.name for run in runs], "tasks": [_task(task, runs) for task in tasks]}


def problem_files(runs: Sequence[ViewedRun]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(`t0/p3`, the problem with the samples of every run) for each problem of each task."""
    for t, task in enumerate(dict.fromkeys(task for run in runs for task in run.reports)):
        samples = [_samples(run, task) for run in runs]
        for p, (problem_id, problem) in enumerate(_problems(runs, task).items()):
            rows = [[_sample(sample) for sample in of_run.get(problem_id, [])] for of_run in samples]
            text = prompt_text(problem.prompt)
            yield f"t{t}/p{p}", {"id": problem_id, "prompt": text, "truth": truth_text(problem), "samples": rows}


def _task(task: str, runs: Sequence[ViewedRun]) -> dict[str, Any]:
    reports = [run.reports.get(task) for run in runs]
    statuses = [_statuses(run, task) for run in runs]
    results = [{} if report is None else {p.id: p for p in report.problems} for report in reports]
    return {
        "name": task,
        "runs": [None if report is None else _summary(report) for report in reports],
        "comparisons": _comparisons(reports),
        "problems": [
            {
                "id": problem_id,
                "text": " ".join(str(problem.info.get("problem") or prompt_text(problem.prompt)).split())[:200],
                "runs": [
                    None if (found := of_run.get(problem_id)) is None else _result(found, counts.get(problem_id, {}))
                    for of_run, counts in zip(results, statuses, strict=True)
                ],
            }
            for problem_id, problem in _problems(runs, task).items()
        ],
    }


def _problems(runs: Sequence[ViewedRun], task: str) -> dict[str, Problem]:
    """The problems of a task that any run has, in their order."""
    found: dict[str, Problem] = {}
    for run in runs:
        if task in run.reports:
            found |= {problem.id: problem for problem in run.folder.problems(task) if problem.id not in found}
    return found


def _samples(run: ViewedRun, task: str) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    if task in run.reports:
        for sample in run.folder.samples(task):
            found.setdefault(sample.problem_id, []).append(sample)
    return {problem: sorted(samples, key=lambda sample: sample.index) for problem, samples in found.items()}


def _statuses(run: ViewedRun, task: str) -> dict[str, Counter[str]]:
    return {
        problem: Counter(sample.verdict.status.value for sample in samples if sample.verdict is not None)
        for problem, samples in _samples(run, task).items()
    }


def _summary(report: Report) -> dict[str, Any]:
    return {
        "label": report.label,
        "avg": _number(report.avg),
        "low": _number(report.low),
        "high": _number(report.high),
        "truncated": _number(report.truncated_rate),
        "tokens": _number(report.mean_tokens),
        "majority": None if report.majority is None else _number(report.majority.value),
        "pass": [[j, _number(e.value), _number(e.low), _number(e.high)] for j, e in sorted(report.pass_at.items())],
        "notes": notes(report),
        "facts": facts(report),
    }


def _result(result: ProblemResult, statuses: Mapping[str, int]) -> dict[str, Any]:
    return {
        "correct": result.num_correct,
        "graded": result.num_graded,
        "cut": result.num_truncated,
        "accuracy": _number(result.accuracy),
        "statuses": dict(statuses),
    }


def _comparisons(reports: Sequence[Report | None]) -> list[dict[str, Any] | None]:
    """Each run against the first one, paired by problem."""
    first = reports[0]
    return [None] + [
        None if first is None or report is None else _comparison(compare_reports(first, report))
        for report in reports[1:]
    ]


def _comparison(found: TaskComparison) -> dict[str, Any]:
    result = found.result
    return {
        "difference": _number(result.difference),
        "low": _number(result.interval.low),
        "high": _number(result.interval.high),
        "p": _number(result.p_value),
        "better": result.better,
        "worse": result.worse,
        "cautions": list(found.cautions),
    }


def _sample(sample: Sample) -> dict[str, Any]:
    verdict = sample.verdict
    row: dict[str, Any] = {
        "index": sample.index,
        "seed": sample.seed,
        "tokens": sample.num_tokens,
        "finish": sample.finish_reason,
        "text": sample.text,
        "status": "" if verdict is None else verdict.status.value,
        "extracted": None if verdict is None else verdict.extracted,
        "detail": "" if verdict is None else verdict.detail,
    }
    if verdict is not None and verdict.tests:
        row["tests"] = [asdict(test) for test in verdict.tests]
    return row


def _number(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 6)
