"""Write `report.html`: one or several runs on one page that needs no network, no script and no other file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from or1_trainer.metrics.alarms import alarms_of
from or1_trainer.metrics.files import replace_file
from or1_trainer.metrics.spans import trace_files
from or1_trainer.report.cards import Key, chart_cards
from or1_trainer.report.diff import compared, flattened
from or1_trainer.report.read_run import RunRecord, read_run
from or1_trainer.report.samples import sampled_steps, shortened
from or1_trainer.report.summary import evaluation_rows, stage_rows, subtitle, tiles


def write_report(run_dirs: Sequence[Path], out: Path) -> None:
    """Write the report of the runs, overlaid where there are several; unfinished and killed runs are fine.

    The runs are one or more, in the order of their colors; `out` is replaced in one rename.

    Raises:
        RunFolderError: a folder is no run folder, a file in it is damaged, or `out` cannot be written.
    """
    page = _render([read_run(path) for path in run_dirs], out.parent)
    replace_file(out, page.encode("utf-8", errors="replace"))


@cache
def page_template() -> Template:
    """The page; compiled once in a process."""
    templates = Environment(
        loader=PackageLoader("or1_trainer.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["shortened"] = shortened
    return templates.get_template("report.html.j2")


def _render(runs: Sequence[RunRecord], folder: Path) -> str:
    """The page of the runs as HTML for a file in `folder`; every text is escaped by the template engine."""
    differing, equal = compared([run.config for run in runs])
    return page_template().render(
        title=runs[0].name if len(runs) == 1 else f"{len(runs)} runs",
        subtitle=subtitle(runs),
        runs=[_section(run, folder) for run in runs],
        colors=[Key(label=run.name, color=number) for number, run in enumerate(runs)],
        tiles=tiles(runs[0]),
        evaluations=evaluation_rows(runs),
        charts=chart_cards(runs),
        settings=[*differing, *equal],
        num_differing=len(differing),
    )


def _section(run: RunRecord, folder: Path) -> dict[str, object]:
    """What the page shows of each run by itself."""
    samples = sampled_steps(run.rollouts)
    return {
        "name": run.name,
        "stages": stage_rows(run),
        "alarms": [
            (alarm, min(samples, key=lambda shown: abs(shown - alarm.step), default=None))  # the nearest step shown
            for alarm in alarms_of(run.rows)
        ],
        "traces": [
            (path.name, Path(os.path.relpath(path.resolve(), folder.resolve())).as_posix())
            for path in trace_files(run.path)
        ],
        "samples": samples,
        "versions": flattened(run.versions),
    }
