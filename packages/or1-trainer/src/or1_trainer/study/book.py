"""`docs/studies/`: what a study stores there, and drawing all of it again from that alone.

docs/studies/runs/KEY.json        one stored run, shared by the studies that have it
docs/studies/NAME/index.json      arm -> keys in the order of seeds, and the study as it was
docs/studies/NAME/figure.svg, docs/studies/NAME.md, docs/studies/verdicts.md
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.files import naming_path, replace_file
from or1_trainer.study.claim import Study
from or1_trainer.study.figure import study_figure
from or1_trainer.study.page import study_page
from or1_trainer.study.runs import PlannedRun
from or1_trainer.study.stored import StoredRun, extract, read_stored, write_stored
from or1_trainer.study.verdict import Finding, Verdict, judge


class Index(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which stored runs a study rests on, and the study itself: later edits of its file change no old page."""

    seeds: list[int]
    arms: dict[str, list[str]]
    study: Study


def store(study: Study, planned: Sequence[PlannedRun], runs_root: Path, book: Path) -> None:
    """Extract the study's finished runs into the book."""
    arms: dict[str, list[str]] = {arm.name: [] for arm in study.arms}
    for run in planned:
        write_stored(extract(run.folder(runs_root), run.config), book / "runs" / f"{run.key}.json")
        arms[run.arm].append(run.key)
    index = Index(seeds=sorted({run.seed for run in planned}), arms=arms, study=study)
    folder = book / study.name
    folder.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(index), indent=1)
    replace_file(folder / "index.json", content + b"\n", durable=False)


def redraw(book: Path) -> list[tuple[Study, Verdict]]:
    """Write every figure, page and the table of verdicts again; nothing but the book is read.

    Raises:
        RunFolderError: the book has no study, or a file in it is missing or damaged.
    """
    found = sorted(book.glob("*/index.json"))
    if not found:
        raise RunFolderError(f"{book} holds no stored study; `or1-trainer study NAME` makes one")
    results = sorted((_redraw_one(book, path) for path in found), key=lambda result: _order(result[0]))
    replace_file(book / "verdicts.md", _table(results, _time(book, found)).encode(), durable=False)
    return [(study, verdict) for study, verdict, _ in results]


def read_index(path: Path) -> Index:
    """Raise `RunFolderError` when it is damaged."""
    with naming_path(path, "read"):
        content = path.read_bytes()
    try:
        return msgspec.json.decode(content, type=Index)
    except msgspec.MsgspecError as error:
        raise RunFolderError(f"{path}: not the index of a study ({error}); run the study again") from error


def stored_runs(index: Index, book: Path) -> dict[str, list[StoredRun]]:
    """Arm -> runs in the order of seeds."""
    return {arm: [read_stored(book / "runs" / f"{key}.json") for key in keys] for arm, keys in index.arms.items()}


def _redraw_one(book: Path, path: Path) -> tuple[Study, Verdict, list[Finding]]:
    index = read_index(path)
    runs = stored_runs(index, book)
    verdict, findings = judge(index.study, runs)
    replace_file(path.parent / "figure.svg", study_figure(runs).encode(), durable=False)
    page = study_page(index.study, index.seeds, runs, verdict, findings)
    replace_file(book / f"{index.study.name}.md", page.encode(), durable=False)
    return index.study, verdict, findings


def _order(study: Study) -> tuple[int, str]:
    """Single letters first: the paper's claims before the comparisons beyond it."""
    return len(study.letter), study.letter


def _time(book: Path, indices: Sequence[Path]) -> str:
    """What all runs together took, those that several studies share counted once."""
    keys = sorted({key for path in indices for keys in read_index(path).arms.values() for key in keys})
    minutes = [read_stored(book / "runs" / f"{key}.json").totals["step_s"] / 60 for key in keys]
    each = f"{min(minutes):.1f} to {max(minutes):.1f} each, their first evaluation and warm starts not counted"
    return f"{len(keys)} runs took {sum(minutes):.0f} minutes of one core together ({each})."


def _table(results: Sequence[tuple[Study, Verdict, list[Finding]]], time: str) -> str:
    rows = [
        f"| {study.letter} | [{study.name}]({study.name}.md) | {study.claim} | {verdict.value} |"
        for study, verdict, _ in results
    ]
    return "\n".join(["# Verdicts", "", "| | study | claim | verdict |", "|---|---|---|---|", *rows, "", time, ""])
