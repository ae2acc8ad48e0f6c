"""The results folder, docs/studies: what a study stores there, and the pages and figures made from it.

runs/KEY.json                       summary of one run, shared by the studies that include it
NAME/index.json                     the study, and arm -> keys of its runs in the order of seeds
NAME/figure.svg, NAME.md            made from these
verdicts.md                         table of all studies
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.files import replace_file
from or1_trainer.study.claim import Study
from or1_trainer.study.figure import study_figure
from or1_trainer.study.page import study_page
from or1_trainer.study.run_summary import read_json, read_summary, summarize, write_summary
from or1_trainer.study.runs import PlannedRun
from or1_trainer.study.verdict import Verdict, judge


class Index(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The runs of a study, and the study as it was when they were executed."""

    seeds: list[int]
    arms: dict[str, list[str]]
    study: Study


def store(study: Study, planned: Sequence[PlannedRun], runs_root: Path, out: Path) -> None:
    """Write summaries of the study's finished runs, and its index, to the results folder `out`."""
    arms: dict[str, list[str]] = {arm.name: [] for arm in study.arms}
    for run in planned:
        write_summary(summarize(run.folder(runs_root), run.config), out / "runs" / f"{run.key}.json")
        arms[run.arm].append(run.key)
    index = Index(seeds=sorted({run.seed for run in planned}), arms=arms, study=study)
    folder = out / study.name
    folder.mkdir(parents=True, exist_ok=True)
    content = msgspec.json.format(msgspec.json.encode(index), indent=1)
    replace_file(folder / "index.json", content + b"\n", durable=False)


def write_pages(out: Path) -> list[tuple[Study, Verdict]]:
    """Write every figure, every page and the table of verdicts from the stored summaries alone.

    Raises `RunFolderError` if there is no study in `out`, or a file is missing or damaged.
    """
    found = sorted(out.glob("*/index.json"))
    if not found:
        raise RunFolderError(f"{out} has no study; `or1-trainer study NAME` makes one")
    indices = sorted(map(read_index, found), key=_order)
    results = [(index.study, _write_one(out, index)) for index in indices]
    replace_file(out / "verdicts.md", _table(results, _time(out, indices)).encode(), durable=False)
    return results


def read_index(path: Path) -> Index:
    """Read the index of a study; raise `RunFolderError` when it is damaged."""
    return read_json(path, Index, "the index of a study")


def _write_one(out: Path, index: Index) -> Verdict:
    """Write figure and page of a study."""
    name = index.study.name
    runs = {arm: [read_summary(out / "runs" / f"{key}.json") for key in keys] for arm, keys in index.arms.items()}
    verdict, outcomes = judge(index.study, runs)
    replace_file(out / name / "figure.svg", study_figure(runs).encode(), durable=False)
    page = study_page(index.study, index.seeds, runs, verdict, outcomes)
    replace_file(out / f"{name}.md", page.encode(), durable=False)
    return verdict


def _order(index: Index) -> tuple[int, str]:
    """Single letters first: the claims of the paper come before the other comparisons."""
    return len(index.study.letter), index.study.letter


def _time(out: Path, indices: Sequence[Index]) -> str:
    """Sentence on the time of all runs, each counted once."""
    keys = sorted({key for index in indices for keys in index.arms.values() for key in keys})
    minutes = [read_summary(out / "runs" / f"{key}.json").totals["step_s"] / 60 for key in keys]
    each = f"{min(minutes):.1f} to {max(minutes):.1f} each, without the first evaluation and the warm start"
    return f"{len(keys)} runs took {sum(minutes):.0f} minutes of one core in total ({each})."


def _table(results: Sequence[tuple[Study, Verdict]], time: str) -> str:
    rows = [
        f"| {study.letter} | [{study.name}]({study.name}.md) | {study.claim} | {verdict.value} |"
        for study, verdict in results
    ]
    return "\n".join(["# Verdicts", "", "| | study | claim | verdict |", "|---|---|---|---|", *rows, "", time, ""])
