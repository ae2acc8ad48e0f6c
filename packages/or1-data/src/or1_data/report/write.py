"""Writes `report.md`, `report.html` and the pages of samples in `report/` from jinja2 templates; without scripts."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from or1_data.report.content import Bars, Samples, blocks
from or1_data.report.formulas import rendered
from or1_data.report.meaning import order
from or1_data.run.parts import write_whole
from or1_data.run.summary import Summary

_BROKEN_SHOWN: Final = 20


def write_report(out: Path, manifest: Mapping[str, Any], summary: Summary) -> None:
    """Write both reports into `out`."""
    content = list(blocks(manifest, summary, _first_rows(out / "set_aside.jsonl")))
    for name in ("report.md", "report.html"):
        template = _environment().get_template(f"{name}.jinja")
        page = template.render(blocks=content, manifest=manifest, cost=list(_cost(manifest, summary)))
        write_whole(out / name, [page.encode()])
    _write_pages(out / "report", [block for block in content if isinstance(block, Samples)])


def _write_pages(folder: Path, samples: Sequence[Samples]) -> None:
    """The pages of samples, in place of those of an earlier run."""
    folder.mkdir(exist_ok=True)
    for page in folder.glob("*.html"):
        page.unlink()
    template = _environment().get_template("page.html.jinja")
    for block in samples:
        for number, (name, rows) in enumerate(block.pages, start=1):
            write_whole(folder / name, [template.render(block=block, rows=rows, number=number).encode()])


def _cost(manifest: Mapping[str, Any], summary: Summary) -> Iterator[tuple[object, ...]]:
    """Per stage: seconds, rows, and what was asked of models and came of it."""
    for stage, seconds in manifest["seconds"].items():
        rows = sum(counts.get("rows", 0) for counts in manifest["stages"].get(stage, {}).values())
        asked = [counts for name, counts in summary.calls.items() if name.endswith("(judge)") == (stage == "judge")]
        models = asked if stage in ("difficulty", "judge") else []
        yield stage, seconds, rows, sum(c["calls"] for c in models), sum(c["tokens"] for c in models)


def write_card(out: Path, manifest: Mapping[str, Any], summary: Summary) -> None:
    """Write `README.md`, the card that a hub shows for the files of a run."""
    counts = ((reason, counter.total()) for reason, counter in summary.dropped.items())
    card = (
        _environment()
        .get_template("card.md.jinja")
        .render(
            manifest=manifest,
            ending=".parquet" if any(name.endswith(".parquet") for name in manifest["files"]) else ".jsonl",
            rows=summary.rows,
            kept=summary.kept,
            licenses=summary.licenses,
            dropped=sorted(counts, key=lambda entry: order(entry[0])),
        )
    )
    write_whole(out / "README.md", [card.encode()])


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("or1_data.report"),
        autoescape=select_autoescape(enabled_extensions=("html.jinja",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"cell": _cell, "line": _line, "bars": _bars, "rendered": rendered}
    return environment


def _first_rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as stream:
        return [json.loads(line) for line in islice(stream, _BROKEN_SHOWN)]


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _line(value: object) -> str:
    """Text in one line that can stand between backquotes."""
    return " ".join(str(value).split()).replace("`", "'")


def _bars(chart: Bars) -> Iterator[tuple[str, int, float]]:
    """Label, height, and share of the highest bar."""
    top = max([*chart.heights, 1])
    return ((label, height, height / top) for label, height in zip(chart.labels, chart.heights, strict=True))
