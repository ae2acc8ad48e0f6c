"""`report.html`: one file that needs nothing else; tables, two charts per task, and examples to read."""

from __future__ import annotations

import html
from collections.abc import Sequence
from importlib import resources

from or1_eval.charts import accuracy_chart, length_chart
from or1_eval.report import ProblemResult, Report
from or1_eval.runs.folder import RunFolder
from or1_eval.samples import Sample
from or1_eval.table import HEADER, LEGEND, facts, notes, percent, report_rows
from or1_eval.types import Problem, Prompt

NUM_EXAMPLES = 3
SHOWN_CHARS = 6000


def report_page(folder: RunFolder, reports: Sequence[Report]) -> str:
    """The page of a run."""
    style = (resources.files("or1_eval") / "page.css").read_text(encoding="utf-8")
    model = next((str(report.fingerprint.get("model", "")) for report in reports), "") or folder.path.name
    body = [f"<h1>{html.escape(model)}</h1>", _table(HEADER, report_rows(reports)), f"<p class=legend>{LEGEND}</p>"]
    body += [_task_section(folder, report) for report in reports]
    title = html.escape(f"or1-eval: {model}")
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>{title}</title><meta name=viewport "
        f'content="width=device-width"><style>{style}</style>\n' + "\n".join(body) + "\n</html>\n"
    )


def _task_section(folder: RunFolder, report: Report) -> str:
    problems = {problem.id: problem for problem in folder.problems(report.task)}
    right, wrong, cut = _examples(folder, report)
    parts = [f"<h2>{html.escape(report.task)}</h2>"]
    parts += [f"<p class=warning>{html.escape(text)}</p>" for text in notes(report)]
    parts += [_table(("", ""), facts(report))]
    parts += ["<h3>Accuracy per problem</h3>", accuracy_chart(report.problems), _problem_table(report.problems)]
    parts += ["<h3>Response lengths</h3>", length_chart(report.problems)]
    for heading, samples in (("Right", right), ("Wrong", wrong), ("Cut off", cut)):
        if samples:
            parts += [f"<h3>{heading}</h3>"] + [_example(sample, problems[sample.problem_id]) for sample in samples]
    return "\n".join(parts)


def _examples(folder: RunFolder, report: Report) -> tuple[list[Sample], list[Sample], list[Sample]]:
    """Right, wrong and cut-off samples, of different problems, by name and not by chance: the page is reproducible."""
    known = {problem.id for problem in report.problems}
    chosen: tuple[dict[str, Sample], ...] = ({}, {}, {})
    for sample in folder.samples(report.task):
        if sample.problem_id not in known or sample.reward is None:
            continue
        kind = chosen[2 if sample.truncated else 0 if sample.reward else 1]
        present = kind.get(sample.problem_id)
        if present is None or sample.index < present.index:
            kind[sample.problem_id] = sample
            if len(kind) > NUM_EXAMPLES:
                del kind[max(kind)]
    right, wrong, cut = ([kind[name] for name in sorted(kind)] for kind in chosen)
    return right, wrong, cut


def _example(sample: Sample, problem: Problem) -> str:
    verdict = sample.verdict
    told = "" if verdict is None else f"{verdict.status.value}: {verdict.detail}"
    text = sample.text
    if len(text) > SHOWN_CHARS:
        left_out = len(text) - SHOWN_CHARS
        text = f"{text[: SHOWN_CHARS // 2]}\n\n[{left_out:,} characters left out]\n\n{text[-SHOWN_CHARS // 2 :]}"
    truth = "tests" if callable(problem.ground_truth) else str(problem.ground_truth)[:300]
    return (
        f"<details><summary>{html.escape(sample.problem_id)}, sample {sample.index}, {sample.num_tokens} tokens"
        "</summary>"
        f"<p>{html.escape(_prompt_text(problem.prompt))}</p><p class=verdict>expected {html.escape(truth)}; "
        f"{html.escape(told[:2000])}</p><pre>{html.escape(text)}</pre></details>"
    )


def _prompt_text(prompt: Prompt) -> str:
    if isinstance(prompt, str):
        return prompt
    parts = [part["content"] if not isinstance(part, int) else str(part) for part in prompt]
    return ("\n\n" if prompt and not isinstance(prompt[0], int) else " ").join(parts)


def _problem_table(problems: Sequence[ProblemResult]) -> str:
    rows = [
        (p.id, percent(p.accuracy), f"{p.num_correct}/{p.num_graded}", str(p.num_truncated), percent(p.majority))
        for p in problems
    ]
    table = _table(("problem", "accuracy", "right", "cut off", "majority"), rows)
    return f"<details><summary>{len(problems)} problems</summary>{table}</details>"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in header)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>" if any(header) else f"<table class=facts>{body}</table>"
