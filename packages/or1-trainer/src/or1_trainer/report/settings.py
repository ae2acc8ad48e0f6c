"""Table of the settings of one or several runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from or1_trainer.report.read_run import RunRecord


def settings_rows(runs: Sequence[RunRecord]) -> tuple[list[list[str]], int]:
    """Return (key, value in each run) of every setting, and how many differ between the runs; those come first."""
    flat = [dict(flattened(run.config)) for run in runs]
    keys = dict.fromkeys(key for settings in flat for key in settings)
    rows = [[key, *(settings.get(key, "–") for settings in flat)] for key in keys]
    rows.sort(key=lambda row: len(set(row[1:])) == 1)
    return rows, sum(len(set(row[1:])) > 1 for row in rows)


def flattened(tree: object, prefix: str = "") -> list[tuple[str, str]]:
    """Return the dotted key and the text of every leaf; list items count from 0, as on the command line."""
    if isinstance(tree, Mapping):
        return [pair for key, value in tree.items() for pair in flattened(value, f"{prefix}.{key}" if prefix else key)]
    if isinstance(tree, list) and any(isinstance(item, Mapping) for item in tree):
        return [pair for number, item in enumerate(tree) for pair in flattened(item, f"{prefix}.{number}")]
    return [(prefix, str(tree))]
