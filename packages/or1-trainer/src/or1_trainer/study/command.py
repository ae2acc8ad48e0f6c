"""`or1-trainer study NAME | list | report`."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from or1_trainer.config.load import parse_overrides
from or1_trainer.errors import ConfigError
from or1_trainer.study.claim import read_study, study_names

BOOK = Path("docs/studies")


def list_studies() -> int:
    """One line per study, with its number of arms."""
    for name in study_names():
        study = read_study(name)
        print(f"{study.letter:3} {name:22} {len(study.arms)} arms  {study.claim}")
    return 0


def report(book: Path) -> int:
    """Draw everything again from what is stored."""
    from or1_trainer.study.book import redraw

    for study, verdict in redraw(book):
        print(f"{study.letter:3} {study.name:22} {verdict.value}")
    return 0


def run_study(
    names: Sequence[str], rest: Sequence[str], *, seeds: int, recipe: str, jobs: int, runs: Path, book: Path | None
) -> int:
    """Run what is missing of the studies, store their metrics, and draw their pages.

    On another recipe or with other settings the pages go beside the runs, so that the committed ones stay.
    """
    from or1_trainer.study.book import store
    from or1_trainer.study.devices import slots, visible_gpus
    from or1_trainer.study.execute import execute
    from or1_trainer.study.runs import FIRST_SEED, plan_runs

    if seeds < 1 or jobs < 0:
        raise ConfigError(f"--seeds must be at least 1 and --jobs at least 0, got {seeds} and {jobs}")
    extra = dict(parse_overrides(rest))
    book = book or (runs / "book" if recipe or extra else BOOK)
    studies = [
        replace(study, recipe=recipe or study.recipe, settings={**study.settings, **extra})
        for study in map(read_study, study_names() if list(names) == ["all"] else names)
    ]
    chosen = range(FIRST_SEED, FIRST_SEED + seeds)
    plans = [(study, plan_runs(study, chosen, extra=extra)) for study in studies]
    devices = slots([run.config for _, planned in plans for run in planned], visible_gpus())
    execute(
        sorted((run for _, planned in plans for run in planned), key=lambda run: run.seed),
        runs,
        jobs=jobs or len(devices) or os.cpu_count() or 1,
        devices=devices,
        note=lambda text: print(text, file=sys.stderr, flush=True),
    )
    for study, planned in plans:
        store(study, planned, runs, book)
    return report(book)
