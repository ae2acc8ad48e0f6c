"""Writes `report.md` and `report.html` (one file, no scripts, no links)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from itertools import islice
from pathlib import Path
from typing import Any, Final

from or1_data.report.content import Bars, Block, Heading, Paragraph, Samples, Table, blocks
from or1_data.run.parts import write_whole
from or1_data.run.summary import Summary

_BROKEN_SHOWN: Final = 20
_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}"  # noqa: E501
    "table{border-collapse:collapse;margin:.5rem 0;display:block;overflow-x:auto}td,th{border:1px solid #ccc;padding:.2rem .5rem;text-align:right}"  # noqa: E501
    "td:first-child,th:first-child,td:last-child,th:last-child{text-align:left}pre{background:#f5f5f5;padding:.5rem;white-space:pre-wrap;overflow-wrap:anywhere}"
    ".pair{display:grid;grid-template-columns:1fr 1fr;gap:.5rem}mark{background:#ffd54f}summary{cursor:pointer;font-weight:600}"  # noqa: E501
    "@media (prefers-color-scheme:dark){body{color:#ddd;background:#16181c}pre{background:#22262c}td,th{border-color:#444}mark{color:#000}}"  # noqa: E501
)


def write_report(out: Path, manifest: Mapping[str, Any], summary: Summary) -> None:
    """Write both reports into `out`."""
    content = list(blocks(manifest, summary, _first_rows(out / "set_aside.jsonl")))
    write_whole(out / "report.md", ["\n".join(map(_markdown, content)).encode()])
    body = "\n".join(map(_html, content))
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(str(manifest["recipe"]))}</title><style>{_STYLE}</style>{body}</html>'  # noqa: E501
    write_whole(out / "report.html", [page.encode()])


def _first_rows(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    with path.open(encoding="utf-8") as stream:
        return [json.loads(line) for line in islice(stream, _BROKEN_SHOWN)]


def _markdown(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"\n{'#' * level} {text}\n"
        case Paragraph(text):
            return f"{text}\n"
        case Table(header, rows):
            lines = ["| " + " | ".join(_cell(cell) for cell in row) + " |" for row in (header, *rows)]
            return "\n".join([lines[0], "|---" * len(header) + "|", *lines[1:], ""])
        case Bars(title, labels, heights, about):
            top = max([*heights, 1])
            bars = [
                f"{label:>6} {'#' * round(40 * height / top)} {height}"
                for label, height in zip(labels, heights, strict=True)
            ]
            return "\n".join([f"\n### {title}\n", f"{about}\n", "```", *bars, "```", ""])
        case Samples(reason, about, total, rows):
            head = f"\n### {reason}: {len(rows)} of {total:,}\n\n{about}\n"
            return "\n".join([head, *(_sample_markdown(row, reason) for row in rows)])


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value).replace("|", "\\|")


def _sample_markdown(row: Mapping[str, Any], reason: str) -> str:
    why = json.dumps(_why(row, reason), ensure_ascii=False)[:1500].replace("`", "'")
    statement = " ".join(str(row["statement"]).split()).replace("`", "'")
    stays = " ".join(str(row.get("stays", "")).split()).replace("`", "'")
    lines = [f"- `{row['id']}` {row['source']}: `{statement}`", f"  - why: `{why}`"]
    return "\n".join([*lines, f"  - what stays: `{stays}`"] if stays else lines)


def _why(row: Mapping[str, Any], reason: str) -> Any:
    stage = "decontaminate" if reason.startswith("reported:") else reason.split(":", maxsplit=1)[0]
    return row["notes"].get(stage)


def _html(block: Block) -> str:
    match block:
        case Heading(text, level):
            return f"<h{level}>{escape(text)}</h{level}>"
        case Paragraph(text):
            return f"<p>{escape(text)}</p>"
        case Table(header, rows):
            head = "".join(f"<th>{escape(str(cell))}</th>" for cell in header)
            body = "".join(
                "<tr>" + "".join(f"<td>{escape(_cell(cell))}</td>" for cell in row) + "</tr>" for row in rows
            )
            return f"<table><tr>{head}</tr>{body}</table>"
        case Bars():
            return _svg(block)
        case Samples(reason, about, total, rows):
            shown = "".join(_sample_html(row, reason) for row in rows)
            head = f"{escape(reason)}</summary><p>{escape(about)} ({len(rows)} of {total:,} shown)</p>"
            return f"<details><summary>{head}{shown}</details>"


def _svg(bars: Bars) -> str:
    width, height, step = 40 * max(len(bars.labels), 8), 160, 40
    top = max([*bars.heights, 1])
    pieces = []
    for index, (label, value) in enumerate(zip(bars.labels, bars.heights, strict=True)):
        size = round(110 * value / top, 1)
        x = index * step
        pieces.append(
            f'<rect x="{x + 4}" y="{130 - size}" width="{step - 8}" height="{size}" fill="#4a7fb5"><title>{label}: {value}</title></rect>'  # noqa: E501
        )
        pieces.append(
            f'<text x="{x + step / 2}" y="146" font-size="10" text-anchor="middle" fill="currentColor">{escape(label)}</text>'  # noqa: E501
        )
        pieces.append(
            f'<text x="{x + step / 2}" y="{126 - size}" font-size="9" text-anchor="middle" fill="currentColor">{value}</text>'  # noqa: E501
        )
    return f'<h3>{escape(bars.title)}</h3><p>{escape(bars.about)}</p><svg viewBox="0 0 {width} {height}" style="max-width:100%" width="{width}">{"".join(pieces)}</svg>'  # noqa: E501


def _sample_html(row: Mapping[str, Any], reason: str) -> str:
    why = _why(row, reason)
    head = f"<p><code>{escape(row['id'])}</code> {escape(row['source'])}, answer <code>{escape(row['ground_truth'])}</code></p>"  # noqa: E501
    if isinstance(why, dict) and "evidence" in why:
        facts = {key: value for key, value in why.items() if key != "evidence"}
        pair = "".join(f"<pre>{escape(why['evidence'][side])}</pre>" for side in ("row", "item"))
        return f'{head}<div class="pair">{pair}</div><pre>{escape(json.dumps(facts, ensure_ascii=False))}</pre>'
    if "stays" in row:
        pair = "".join(f"<pre>{escape(row[side])}</pre>" for side in ("statement", "stays"))
        return f'{head}<div class="pair">{pair}</div><pre>{escape(json.dumps(why, ensure_ascii=False))}</pre>'
    text = _marked(str(row["statement"]), why)
    return f"{head}<pre>{text}</pre><pre>{escape(json.dumps(why, ensure_ascii=False)[:1500])}</pre>"


def _marked(statement: str, why: Any) -> str:
    """The statement with what a rule matched highlighted."""
    spans = [f for f in why if f.get("where") == "statement" and f["end"] > f["start"]] if isinstance(why, list) else []
    if not spans or spans[0]["start"] >= len(statement):
        return escape(statement)
    start, end = spans[0]["start"], min(spans[0]["end"], len(statement))
    return f"{escape(statement[:start])}<mark>{escape(statement[start:end])}</mark>{escape(statement[end:])}"
