"""`or1-trainer study NAME | all | list | report`."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from msgspec.structs import replace

from or1_trainer.commands.declare import Commands, declare
from or1_trainer.commands.outcome import exit_code
from or1_trainer.commands.train import resume
from or1_trainer.errors import ConfigError
from or1_trainer.gpus import visible_gpus
from or1_trainer.study.claim import Study, read_study, study_names
from or1_trainer.study.execute import execute
from or1_trainer.study.results import store, write_pages
from or1_trainer.study.runs import FIRST_SEED, PlannedRun, gpu_groups, plan_runs

RESULTS = Path("docs/studies")


def add(commands: Commands) -> None:
    """Declare the command."""
    study = declare(
        commands,
        "study",
        _study,
        "run experiments that test a claim",
        more="""\
Runs every arm of a study with every seed and writes a page with the effects, their bootstrap intervals and a verdict.
Finished runs are skipped and stopped ones resumed. Settings (--section.key value) apply to every arm.""",
        examples="""
            or1-trainer study list                               names and claims
            or1-trainer study adaptive-entropy --seeds 3
            or1-trainer study report                             write all pages again from the stored results
        """,
        takes_settings=True,
    )
    study.add_argument("names", nargs="+", metavar="NAME", help="studies or .toml files; or: all, list, report")
    study.add_argument("--seeds", type=int, default=3, help="runs of every arm (default 3)")
    study.add_argument("--base", default="", help="recipe to run it on, instead of the study's own")
    study.add_argument("--jobs", type=int, default=0, help="concurrent runs, one thread each (default: one per core)")
    study.add_argument("--runs", type=Path, default=Path("runs/studies"), help="where run folders go")
    study.add_argument(
        "--out",
        type=Path,
        help="where results and pages go (default: docs/studies; with --base or settings: RUNS/results)",
    )


def _study(options: argparse.Namespace) -> int:
    if options.names[0] in ("list", "report"):
        if unexpected := [*options.names[1:], *(f"--{key} {value}" for key, value in options.settings)]:
            raise ConfigError(f"unexpected arguments: {' '.join(unexpected)}")
        return _list() if options.names[0] == "list" else _report(options.out or RESULTS)
    if options.seeds < 1 or options.jobs < 0:
        raise ConfigError(f"--seeds must be >= 1 and --jobs >= 0, got {options.seeds} and {options.jobs}")
    return _run(options, dict(options.settings))


def _list() -> int:
    for name in study_names():
        study = read_study(name)
        print(f"{study.letter:3} {name:22} {len(study.arms)} arms  {study.claim}")
    return 0


def _report(out: Path) -> int:
    for study, verdict in write_pages(out):
        print(f"{study.letter:3} {study.name:22} {verdict.value}")
    return 0


def _run(options: argparse.Namespace, settings: dict[str, object]) -> int:
    plans = _plans(options, settings)
    runs = sorted((run for _, planned in plans for run in planned), key=lambda run: run.seed)
    devices = gpu_groups([run.config for run in runs], visible_gpus())
    execute(
        runs,
        options.runs,
        train=train_folder,
        jobs=options.jobs or len(devices) or os.cpu_count() or 1,
        devices=devices,
        note=lambda text: print(text, file=sys.stderr, flush=True),
    )
    # A run on another recipe or with other settings must not replace the committed results.
    out = options.out or (options.runs / "results" if options.base or settings else RESULTS)
    for study, planned in plans:
        store(study, planned, options.runs, out)
    return _report(out)


def _plans(options: argparse.Namespace, settings: dict[str, object]) -> list[tuple[Study, list[PlannedRun]]]:
    seeds = range(FIRST_SEED, FIRST_SEED + options.seeds)
    studies = map(read_study, study_names() if options.names == ["all"] else options.names)
    adapted = [
        replace(study, recipe=options.base or study.recipe, settings={**study.settings, **settings})
        for study in studies
    ]
    return [(study, plan_runs(study, seeds, extra=settings)) for study in adapted]


def train_folder(folder: Path) -> int:
    """Train a run folder to its end, as `or1-trainer resume` does; the process of each run calls it."""
    return exit_code(lambda: resume(folder), lambda: folder)
