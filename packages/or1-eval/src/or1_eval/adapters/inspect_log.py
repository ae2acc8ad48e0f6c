"""Runs as logs of inspect_ai, for `inspect view` and whatever else reads them. inspect_ai is not needed to write them.

One JSON log (format version 2, inspect_ai 0.3.285) per task; a problem is a sample, our k samples of it are its epochs.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from or1_eval.report import Report
from or1_eval.results import load_reports
from or1_eval.runs.folder import RunFolder, write_whole
from or1_eval.samples import Sample
from or1_eval.types import Problem
from or1_eval.view.report_page import truth_text
from or1_reward import GroundTruthError, parse_ground_truth
from or1_reward.ground_truth import MathTruth

_SCORER = "or1"


def export_logs(run: Path, out: Path) -> list[Path]:
    """Write a log per task into a folder; returns their paths. Raises `RunFolderError`."""
    folder = RunFolder(run)
    out.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, report in load_reports(folder).items():
        created = str(folder.manifest["sessions"][0].get("started", "")) if folder.manifest["sessions"] else ""
        log = _log(folder, report, created or datetime.now(UTC).isoformat(timespec="seconds"))
        stamp = re.sub(r"[:.]", "-", log["eval"]["created"])
        path = out / f"{stamp}_{re.sub(r'[^A-Za-z0-9-]+', '-', name)}_{log['eval']['task_id']}.json"
        write_whole(path, json.dumps(log, ensure_ascii=True, indent=1) + "\n")
        paths.append(path)
    return paths


def _log(folder: RunFolder, report: Report, created: str) -> dict[str, Any]:
    said = report.fingerprint
    identity = hashlib.sha256(f"{folder.path.resolve()}\x1f{report.task}".encode()).hexdigest()[:22]
    sampling = said.get("sampling", {})
    samples = list(_samples(folder, report))
    return {
        "version": 2,
        "status": "success" if report.complete else "error",
        "eval": {
            "run_id": identity,
            "task_id": identity,
            "created": created,
            "task": report.task,
            "dataset": {
                "name": str(said.get("task", {}).get("source", "")),
                "samples": report.num_problems,
                "sample_ids": [problem.id for problem in report.problems],
            },
            "model": str(said.get("model") or "unknown"),
            "model_generate_config": {
                "max_tokens": sampling.get("max_new_tokens"),
                "temperature": sampling.get("temperature"),
                "top_p": sampling.get("top_p"),
                "seed": sampling.get("seed"),
            },
            "config": {"epochs": report.k},
            "packages": dict(said.get("versions", {})),
            "metadata": {"template": said.get("task", {}).get("template"), "verifier": said.get("verifier")},
        },
        "plan": {},
        "results": {
            "total_samples": report.k * report.num_problems,
            "completed_samples": len(samples),
            "scores": [{"name": _SCORER, "scorer": _SCORER, "metrics": _metrics(report)}],
        },
        "stats": {"started_at": created, "completed_at": created},
        "samples": samples,
    }


def _metrics(report: Report) -> dict[str, dict[str, Any]]:
    values = {"accuracy": report.avg, "stderr": report.population_error}
    values |= {f"pass@{j}": estimate.value for j, estimate in report.pass_at.items()}
    return {name: {"name": name, "value": value} for name, value in values.items() if not math.isnan(value)}


def _samples(folder: RunFolder, report: Report) -> Iterator[dict[str, Any]]:
    problems = {problem.id: problem for problem in folder.problems(report.task)}
    for sample in sorted(folder.samples(report.task), key=lambda sample: (sample.problem_id, sample.index)):
        yield _sample(sample, problems[sample.problem_id], str(report.fingerprint.get("model") or "unknown"))


def _sample(sample: Sample, problem: Problem, model: str) -> dict[str, Any]:
    messages = _messages(problem)
    answer = {"role": "assistant", "content": _content(sample.text), "source": "generate", "model": model}
    row: dict[str, Any] = {
        "id": sample.problem_id,
        "epoch": sample.index + 1,
        "input": messages,
        "target": _target(problem),
        "messages": [*messages, answer],
        "output": {
            "model": model,
            "choices": [
                {"message": answer, "stop_reason": "max_tokens" if sample.finish_reason == "length" else "stop"}
            ],
        },
        "metadata": {"seed": sample.seed} | ({"num_tokens": sample.num_tokens} if sample.num_tokens >= 0 else {}),
    }
    if sample.verdict is not None and sample.verdict.reward is not None:
        verdict = sample.verdict
        row["scores"] = {
            _SCORER: {
                "value": verdict.reward,
                "answer": verdict.extracted,
                "explanation": f"{verdict.status.value}: {verdict.detail}",
            }
        }
    return row


def _target(problem: Problem) -> str | list[str]:
    """The expected answer; several alternatives are several targets."""
    try:
        truth = None if callable(problem.ground_truth) else parse_ground_truth(problem.ground_truth)
    except GroundTruthError:
        truth = None  # its samples say so: they have no score
    if not isinstance(truth, MathTruth):
        return truth_text(problem)
    return list(truth.alternatives) if len(truth.alternatives) > 1 else truth.alternatives[0]


def _messages(problem: Problem) -> list[dict[str, str]]:
    if isinstance(problem.prompt, str):
        return [{"role": "user", "content": problem.prompt}]
    given = [part for part in problem.prompt if isinstance(part, Mapping)]
    if given:
        return [{"role": str(part["role"]), "content": str(part["content"])} for part in given]
    return [{"role": "user", "content": " ".join(map(str, problem.prompt))}]


def _content(text: str) -> str | list[dict[str, str]]:
    """The text, its reasoning apart where it is between think marks."""
    reasoning, mark, rest = text.rpartition("</think>")
    if not mark:
        return text
    return [
        {"type": "reasoning", "reasoning": reasoning.strip().removeprefix("<think>").strip()},
        {"type": "text", "text": rest.strip()},
    ]
