"""Reports as a table of text: for the terminal, and as Markdown."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from or1_eval.report import Estimate, Report

HEADER = ("task", "avg@k", "95% interval", "se here", "se others", "pass@k", "maj@k", "cut", "tokens", "n x k")


def report_rows(reports: Iterable[Report]) -> list[tuple[str, ...]]:
    """One row per report, all rates in percent."""
    return [
        (
            report.task,
            f"{percent(report.avg)} ({report.label.replace('avg@', 'k=')})",
            f"{percent(report.low)} to {percent(report.high)}",
            percent(report.sampling_error),
            percent(report.population_error),
            _last_pass(report),
            "-" if report.majority is None else percent(report.majority.value),
            f"{percent(report.truncated_rate)}%",
            "-" if math.isnan(report.mean_tokens) else f"{report.mean_tokens:,.0f}",
            f"{report.num_problems} x {report.k}" + (f" - {report.num_missing}" if report.num_missing else ""),
        )
        for report in reports
    ]


LEGEND = (
    "avg@k in percent, its interval over problems like these (problem-level bootstrap); se here: standard error on "
    "these very problems, se others: over problems like these; cut: truncated share; n x k - samples missing."
)


def plain(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of equal width, numbers to the right."""
    widths = [max(len(row[i]) for row in (header, *rows)) for i in range(len(header))]
    lines = [
        "  ".join(
            cell.ljust(width) if i == 0 else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in (header, *rows)
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def markdown(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The same as a Markdown table."""
    escaped = [[cell.replace("|", "\\|") for cell in row] for row in (header, *rows)]
    lines = ["| " + " | ".join(row) + " |" for row in escaped]
    return "\n".join([lines[0], "|---" + "|--:" * (len(header) - 1) + "|", *lines[1:]])


def terminal_table(reports: Sequence[Report]) -> str:
    """The table, its legend and every warning."""
    parts = [plain(HEADER, report_rows(reports)), LEGEND]
    parts += [f"{report.task}: prompt template {_template(report)!r}" for report in reports if _template(report)]
    parts += [f"! {report.task}: {text}" for report in reports for text in notes(report)]
    return "\n".join(parts)


def notes(report: Report) -> list[str]:
    """What must be said beside the number."""
    said = []
    if report.num_missing:
        said.append(f"not complete: {report.num_missing} of {report.k * report.num_problems} samples are missing")
    return said + _about_sampling(report.fingerprint.get("sampled_with", {})) + list(report.warnings)


def _about_sampling(said: Mapping[str, Any]) -> list[str]:
    """Where the samples were not drawn as was asked."""
    found = []
    if left_out := said.get("left_out"):
        found.append(f"the server does not accept {', '.join(left_out)}: it used its own values")
    for name, values in said.get("otherwise", {}).items():
        found.append(f"the server says that it sampled with {name} {', '.join(values)}, which is not what was asked")
    return found


def results_markdown(reports: Sequence[Report]) -> str:
    """`results.md`: the table, pass@j, what each number rests on."""
    parts = ["# Results", "", markdown(HEADER, report_rows(reports)), "", LEGEND, ""]
    for report in reports:
        parts += [f"## {report.task}", ""]
        parts += [f"* {name}: {text}" for name, text in facts(report)]
        parts += [f"* **{text}**" for text in notes(report)] + [""]
        rows = [
            (f"pass@{j}", percent(e.value), f"{percent(e.low)} to {percent(e.high)}") for j, e in report.pass_at.items()
        ]
        parts += [markdown(("estimate", "percent", "95% interval"), rows), ""]
    return "\n".join(parts)


def facts(report: Report) -> list[tuple[str, str]]:
    """(name, text) of what a number rests on."""
    said = report.fingerprint
    task, sampling = said.get("task", {}), said.get("sampling", {})
    found = [
        ("model", said.get("model") or "not named"),
        ("engine", said.get("engine", "")),
        ("prompt template", task.get("template", "")),
        ("problems", f"{report.num_problems} from {task.get('source') or 'memory'}"),
        ("sampling", ", ".join(f"{name} {value}" for name, value in sampling.items() if value not in ((), []))),
        ("sampled with", _told(said)),
        ("verifier", said.get("verifier", "")),
        ("verdicts", ", ".join(f"{name} {count}" for name, count in report.statuses.items())),
        ("versions", ", ".join(f"{name} {version}" for name, version in said.get("versions", {}).items())),
    ]
    return [(name, text) for name, text in found if text]


def _told(said: Mapping[str, Any]) -> str:
    """What the server said of itself and of its sampling."""
    told = {**said.get("engine_settings", {}).get("server", {}), **said.get("sampled_with", {})}
    return ", ".join(f"{name} {_plain(value)}" for name, value in told.items())


def _plain(value: Any) -> str:
    if isinstance(value, list | tuple):
        return " and ".join(map(str, value))
    return json.dumps(value) if isinstance(value, Mapping) else str(value)


def percent(value: float, digits: int = 1) -> str:
    """A rate in percent, or a dash where there is none."""
    return "-" if math.isnan(value) else f"{100 * value:.{digits}f}"


def _last_pass(report: Report) -> str:
    if not report.pass_at:
        return "-"
    j, estimate = max(report.pass_at.items())
    found: Estimate = estimate
    return f"{percent(found.value)} (@{j})"


def _template(report: Report) -> str:
    return str(report.fingerprint.get("task", {}).get("template", ""))
