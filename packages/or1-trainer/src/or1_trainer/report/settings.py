"""Table of the settings of one or several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from or1_trainer.report.read_run import RunRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingsTable:
    """Rows of (key, value of each run); `differing` are the numbers of rows whose values are not all equal."""

    head: list[str]
    rows: list[list[str]]
    differing: frozenset[int]


def settings_table(runs: Sequence[RunRecord]) -> SettingsTable:
    """List every setting; with several runs, those that differ come first."""
    flat = [dict(flattened(run.config)) for run in runs]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    rows = [[key, *(settings.get(key, "–") for settings in flat)] for key in keys]
    rows.sort(key=lambda row: len(set(row[1:])) == 1)
    return SettingsTable(
        head=["setting", *(run.name if len(runs) > 1 else "value" for run in runs)],
        rows=rows,
        differing=frozenset(number for number, row in enumerate(rows) if len(set(row[1:])) > 1),
    )


def flattened(tree: object, prefix: str = "") -> list[tuple[str, str]]:
    """Return the dotted key and the text of every leaf; list items count from 0, as on the command line."""
    if isinstance(tree, Mapping):
        return [pair for key, value in tree.items() for pair in flattened(value, f"{prefix}.{key}" if prefix else key)]
    if isinstance(tree, list) and any(isinstance(item, Mapping) for item in tree):
        return [pair for number, item in enumerate(tree) for pair in flattened(item, f"{prefix}.{number}")]
    return [(prefix, str(tree))]
