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
from or1_trainer.metrics.files import naming_path, replace_file
from or1_trainer.study.claim import Study
from or1_trainer.study.figure import study_figure
from or1_trainer.study.page import study_page
from or1_trainer.study.run_summary import RunSummary, read_summary, summarize, write_summary
from or1_trainer.study.runs import PlannedRun
from or1_trainer.study.verdict import Outcome, Verdict, judge


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

    Raises:
        RunFolderError: there is no study in `out`, or a file is missing or damaged.
    """
    found = sorted(out.glob("*/index.json"))
    if not found:
        raise RunFolderError(f"{out} has no study; `or1-trainer study NAME` makes one")
    results = sorted((_write_one(out, path) for path in found), key=lambda result: _order(result[0]))
    replace_file(out / "verdicts.md", _table(results, _time(out, found)).encode(), durable=False)
    return [(study, verdict) for study, verdict, _ in results]


def read_index(path: Path) -> Index:
    """Read the index of a study; raise `RunFolderError` when it is damaged."""
    with naming_path(path, "read"):
        content = path.read_bytes()
    try:
        return msgspec.json.decode(content, type=Index)
    except msgspec.MsgspecError as error:
        raise RunFolderError(f"{path}: not the index of a study ({error}); run the study again") from error


def summaries_of(index: Index, out: Path) -> dict[str, list[RunSummary]]:
    """Return arm -> summaries in the order of seeds."""
    return {arm: [read_summary(out / "runs" / f"{key}.json") for key in keys] for arm, keys in index.arms.items()}


def _write_one(out: Path, path: Path) -> tuple[Study, Verdict, list[Outcome]]:
    index = read_index(path)
    runs = summaries_of(index, out)
    verdict, outcomes = judge(index.study, runs)
    replace_file(path.parent / "figure.svg", study_figure(runs).encode(), durable=False)
    page = study_page(index.study, index.seeds, runs, verdict, outcomes)
    replace_file(out / f"{index.study.name}.md", page.encode(), durable=False)
    return index.study, verdict, outcomes


def _order(study: Study) -> tuple[int, str]:
    """Single letters first: the claims of the paper come before the other comparisons."""
    return len(study.letter), study.letter


def _time(out: Path, indices: Sequence[Path]) -> str:
    """Sentence on the time of all runs, each counted once."""
    keys = sorted({key for path in indices for keys in read_index(path).arms.values() for key in keys})
    minutes = [read_summary(out / "runs" / f"{key}.json").totals["step_s"] / 60 for key in keys]
    each = f"{min(minutes):.1f} to {max(minutes):.1f} each, without the first evaluation and the warm start"
    return f"{len(keys)} runs took {sum(minutes):.0f} minutes of one core in total ({each})."


def _table(results: Sequence[tuple[Study, Verdict, list[Outcome]]], time: str) -> str:
    rows = [
        f"| {study.letter} | [{study.name}]({study.name}.md) | {study.claim} | {verdict.value} |"
        for study, verdict, _ in results
    ]
    return "\n".join(["# Verdicts", "", "| | study | claim | verdict |", "|---|---|---|---|", *rows, "", time, ""])
