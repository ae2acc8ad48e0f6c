"""Read a run folder, in whatever state a kill or a crash has left it."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.files import naming_path
from or1_trainer.metrics.log import FILE_NAME, Row, read_metrics
from or1_trainer.metrics.rollout_log import rollout_files


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """Contents of one run folder; what an unfinished or killed run lacks is empty."""

    name: str
    path: Path
    config: Mapping[str, Any]
    versions: Mapping[str, Any]
    data: Mapping[str, Any]
    """Number and hash of the training and of the held-out problems."""
    rows: Sequence[Row]
    rollouts: Sequence[tuple[int, Path]]

    def points(self, key: str) -> list[tuple[float, float]]:
        """Return (step, value) of every row that has a number under `key`."""
        return [(float(row["step"]), float(row[key])) for row in self.rows if isinstance(row.get(key), int | float)]

    def setting(self, key: str) -> object:
        """Return the setting with a dotted key, or None."""
        found: object = self.config
        for part in key.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found


def check_run_dir(run_dir: Path) -> None:
    """Raise `RunFolderError` for a folder with neither `config.toml` nor `metrics.jsonl`."""
    if not (run_dir / "config.toml").exists() and not (run_dir / FILE_NAME).exists():
        raise RunFolderError(
            f"{run_dir} is not a run folder: it has neither config.toml nor {FILE_NAME}; "
            "give a folder such as runs/tiny-001"
        )


def read_run(run_dir: Path) -> RunRecord:
    """Read a run folder; raises `RunFolderError` where it is none, or where a file in it is damaged."""
    check_run_dir(run_dir)
    return RunRecord(
        name=run_dir.resolve().name,
        path=run_dir,
        config=_read(run_dir / "config.toml", tomllib.loads),
        versions=_read(run_dir / "versions.json", json.loads),
        data=_read(run_dir / "data.json", json.loads),
        rows=read_metrics(run_dir / FILE_NAME),
        rollouts=rollout_files(run_dir),
    )


def _read(path: Path, parse: Callable[[str], object]) -> Mapping[str, Any]:
    """Parse a small file; a missing or empty one (a kill at the start) gives an empty mapping."""
    if not path.exists():
        return {}
    with naming_path(path, "read"):
        text = path.read_text(encoding="utf-8")
    try:
        parsed = parse(text) if text.strip() else {}
    except ValueError as error:  # of both tomllib and json
        raise RunFolderError(f"{path}: damaged ({error}); delete it to read the rest of the run") from error
    return parsed if isinstance(parsed, Mapping) else {}
