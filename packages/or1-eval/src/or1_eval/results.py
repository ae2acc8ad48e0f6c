"""What a run came to, as files: `results.json`, `results.md`, `report.html`, all made from the stored samples."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from or1_eval.report import Report, build_report
from or1_eval.runs.folder import RunFolder, write_whole
from or1_eval.samples import Sample
from or1_eval.table import results_markdown
from or1_eval.warnings import Watch


def load_reports(run: str | Path | RunFolder) -> dict[str, Report]:
    """Task name -> report of a run folder, computed anew from its samples.

    Raises:
        RunFolderError: no run folder, or a damaged one.
    """
    folder = run if isinstance(run, RunFolder) else RunFolder(Path(run))
    return {name: _stored_report(folder, name) for name in folder.tasks}


def write_results(folder: RunFolder, fresh: Mapping[str, Report] | None = None) -> dict[str, Report]:
    """Write the three files; reports that are not handed in are computed from the samples."""
    fresh = fresh or {}
    reports = {name: fresh.get(name) or _stored_report(folder, name) for name in folder.tasks}
    table = {"format": 1, "tasks": {name: report_json(report) for name, report in reports.items()}}
    write_whole(folder.path / "results.json", json.dumps(table, indent=1, ensure_ascii=False) + "\n")
    write_whole(folder.path / "results.md", results_markdown(list(reports.values())))
    from or1_eval.view.report_page import report_page

    write_whole(folder.path / "report.html", report_page(folder, list(reports.values())))
    return reports


def report_json(report: Report) -> dict[str, Any]:
    """A report as JSON: no NaN, no clock, so that equal samples give equal bytes."""
    fields = asdict(report)
    fields["complete"] = report.complete
    fields["pass_at"] = {str(j): estimate for j, estimate in fields["pass_at"].items()}
    for problem in fields["problems"]:
        del problem["variance"]
    plain: dict[str, Any] = _without_nan(fields)
    return plain


def _stored_report(folder: RunFolder, name: str) -> Report:
    task, entry = folder.task(name), folder.tasks[name]
    sampling = entry["fingerprint"]["sampling"]
    watch = Watch(max_new_tokens=sampling["max_new_tokens"], temperature=sampling["temperature"])
    kept: list[Sample] = []
    for sample in folder.samples(name):
        watch.see(sample)
        kept.append(replace(sample, text="", token_ids=()))
    warnings = tuple(watch.warnings().values())
    return build_report(task, kept, entry["k"], fingerprint=entry["fingerprint"], warnings=warnings)


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_nan(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(entry) for entry in value]
    return None if isinstance(value, float) and math.isnan(value) else value
