"""`report.html`: one file that needs nothing else; tables, two charts per task, and every sample."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import jinja2
from markupsafe import Markup

from or1_eval.report import ProblemResult, Report
from or1_eval.runs.folder import RunFolder
from or1_eval.samples import Sample
from or1_eval.table import HEADER, LEGEND, facts, notes, percent, report_rows
from or1_eval.types import Problem, Prompt
from or1_eval.view.charts import accuracy_chart, length_chart

PAGE_CHARS: Final = 6_000_000
"""The texts of all samples together; with more, each is shortened in its middle. `or1-eval view` shortens nothing."""

_MOST_CHARS, _FEWEST_CHARS = 6000, 300
_TRUTH_CHARS, _DETAIL_CHARS = 300, 2000


@dataclass(frozen=True, slots=True)
class _ShownSample:
    title: str
    status: str
    detail: str
    text: str


@dataclass(frozen=True, slots=True)
class _ShownProblem:
    id: str
    result: ProblemResult
    prompt: str
    truth: str
    samples: list[_ShownSample]


@cache
def environment() -> jinja2.Environment:
    """The templates of this package; everything that is put into them is escaped."""
    found = jinja2.Environment(
        loader=jinja2.PackageLoader("or1_eval.view"),
        autoescape=True,
        trim_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    found.filters["percent"] = percent
    return found


def report_page(folder: RunFolder, reports: Sequence[Report]) -> str:
    """The page of a run."""
    total = sum(report.num_samples for report in reports)
    chars = min(_MOST_CHARS, max(_FEWEST_CHARS, PAGE_CHARS // max(total, 1)))
    tasks = [
        {
            "report": report,
            "notes": notes(report),
            "facts": facts(report),
            "charts": [Markup(accuracy_chart(report.problems)), Markup(length_chart(report.problems))],
            "problems": list(_problems(folder, report, chars)),
        }
        for report in reports
    ]
    model = next((str(report.fingerprint.get("model", "")) for report in reports), "") or folder.path.name
    return (
        environment()
        .get_template("report.html")
        .render(model=model, header=HEADER, rows=report_rows(reports), legend=LEGEND, tasks=tasks)
    )


def _problems(folder: RunFolder, report: Report, chars: int) -> Iterator[_ShownProblem]:
    """The problems of a task, hardest first, each with its samples."""
    by_problem: dict[str, list[tuple[int, _ShownSample]]] = {problem.id: [] for problem in report.problems}
    for sample in folder.samples(report.task):
        if sample.problem_id in by_problem:
            by_problem[sample.problem_id].append((sample.index, _shown(sample, chars)))
    problems: Mapping[str, Problem] = {problem.id: problem for problem in folder.problems(report.task)}
    for result in sorted(report.problems, key=lambda result: (result.accuracy, result.id)):
        problem = problems[result.id]
        samples = [shown for _, shown in sorted(by_problem[result.id], key=lambda pair: pair[0])]
        yield _ShownProblem(result.id, result, prompt_text(problem.prompt), truth_text(problem), samples)


def _shown(sample: Sample, chars: int) -> _ShownSample:
    tokens = f", {sample.num_tokens:,} tokens" if sample.num_tokens >= 0 else ""
    verdict = sample.verdict
    status = "" if verdict is None else verdict.status.value
    detail = "" if verdict is None else verdict.detail[:_DETAIL_CHARS]
    return _ShownSample(
        f"{sample.problem_id}, sample {sample.index}{tokens}", status, detail, shortened(sample.text, chars)
    )


def shortened(text: str, chars: int) -> str:
    """A text with its middle left out where it is longer."""
    if len(text) <= chars:
        return text
    left_out = len(text) - chars
    return f"{text[: chars // 2]}\n\n[{left_out:,} characters left out]\n\n{text[-chars // 2 :]}"


def prompt_text(prompt: Prompt) -> str:
    """A prompt as text: messages one after the other, token ids as numbers."""
    if isinstance(prompt, str):
        return prompt
    parts = [part["content"] if not isinstance(part, int) else str(part) for part in prompt]
    return ("\n\n" if prompt and not isinstance(prompt[0], int) else " ").join(parts)


def truth_text(problem: Problem) -> str:
    """The expected answer, shortened; tests that lie packed in a file are not read."""
    return "tests" if callable(problem.ground_truth) else shortened(str(problem.ground_truth), _TRUTH_CHARS)
