"""`trace/step_000003_rank0.json.gz`: where the traces of a run are."""

from __future__ import annotations

from pathlib import Path

from or1_trainer.metrics.files import naming_path

FOLDER = "trace"


def trace_path(run_dir: Path, step: int, rank: int) -> Path:
    """Return the file for one step (counted from 1) of one rank."""
    return run_dir / FOLDER / f"step_{step:06d}_rank{rank}.json.gz"


def trace_files(run_dir: Path) -> list[Path]:
    """Return the traces of a run in the order of steps and ranks; raises `RunFolderError` for an unreadable folder."""
    with naming_path(run_dir / FOLDER, "list"):
        found = (run_dir / FOLDER).glob("step_*_rank*.json.gz")
        return sorted(found, key=lambda path: (len(path.name), path.name))
