"""The guard: a stage may not quietly wipe out a source."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from or1_data.errors import GuardError
from or1_data.run.parts import Part, key_of, read_part
from or1_data.run.recipe import GuardSettings
from or1_data.schema import Problem
from or1_data.select.reasons import SelectSettings, reasons


def count(problems: Iterable[Problem], stage: str, settings: SelectSettings) -> dict[str, Any]:
    """Rows, and rows that `stage` speaks against, per source and reason."""
    rows = 0
    sources: dict[str, Counter[str]] = {}
    for problem in problems:
        rows += 1
        found = [reason for reason in reasons(problem, settings) if reason.startswith(f"{stage}:")]
        counter = sources.setdefault(problem.data_source, Counter())
        counter["rows"] += 1
        counter["flagged"] += bool(found)
        counter.update(found)
    return {
        "rows": rows,
        "sources": {source: dict(counter) for source, counter in sources.items()},
        "select": _hash(settings),
    }


def recounted(part: Part, stage: str, settings: SelectSettings) -> dict[str, Any]:
    """A finished part's counts.

    Counted anew where the selection has changed since, for the rows themselves have not.
    """
    counts = part.counts()
    return counts if counts.get("select") == _hash(settings) else count(read_part(part), stage, settings)


def before_calls(settings: SelectSettings) -> SelectSettings:
    """The selection without what the stages that call models find out."""
    return msgspec.structs.replace(settings, model="", min_votes=0)


def rejected_before(part: Part, settings: SelectSettings) -> str:
    """Which rows of a part are rejected before any model is called, as one digit each."""
    before = before_calls(settings)
    return "".join(str(int(bool(reasons(problem, before)))) for problem in read_part(part))


def _hash(settings: SelectSettings) -> str:
    return key_of(msgspec.to_builtins(settings))


def add(counts: Iterable[Mapping[str, Any]]) -> dict[str, Counter[str]]:
    """The counts of several parts together: source -> counter."""
    total: dict[str, Counter[str]] = {}
    for part in counts:
        for source, counter in part["sources"].items():
            total.setdefault(source, Counter()).update(counter)
    return total


def guard(stage: str, sources: Mapping[str, Mapping[str, int]], settings: GuardSettings) -> None:
    """Stop where a stage would take away too much of a source.

    Raises:
        GuardError: naming the stage, the source, the share, and the reasons.
    """
    for source, counts in sources.items():
        rows, flagged = counts.get("rows", 0), counts.get("flagged", 0)
        if rows < settings.min_rows or source in settings.allow or flagged <= settings.max_share * rows:
            continue
        why = {name: number for name, number in counts.items() if name not in ("rows", "flagged")}
        raise GuardError(
            f"stage {stage} would drop {flagged} of {rows} rows of {source} ({100 * flagged / rows:.1f}%): {why}; "
            f"look at the rows (report, or `or1-data stats`), then change the settings, or allow it with guard.allow"
        )
