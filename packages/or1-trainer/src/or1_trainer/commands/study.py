"""`or1-trainer study NAME | all | list | report`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from or1_trainer.commands.shape import Commands, declare, no_more


def add(commands: Commands) -> None:
    """Declare the command."""
    study = declare(
        commands,
        "study",
        "put a claim to the test: arms, seeds, effect, verdict",
        more="""\
Runs every arm of a study with every seed, skips what is there, resumes what was stopped, and writes a page with the
effect and its bootstrap interval. Settings (--section.key value) are laid over every arm.""",
        examples="""
            or1-trainer study list
            or1-trainer study adaptive-entropy --seeds 3
            or1-trainer study report                             the pages again from the stored metrics
        """,
    )
    study.add_argument("names", nargs="+", metavar="NAME", help="studies or .toml files; or: all, list, report")
    study.add_argument("--seeds", type=int, default=3, help="runs of every arm (default 3)")
    study.add_argument("--base", default="", help="recipe to run it on instead of the study's own")
    study.add_argument("--jobs", type=int, default=0, help="runs at a time, one thread each (default: every core)")
    study.add_argument("--runs", type=Path, default=Path("runs/studies"), help="where run folders go")
    study.add_argument("--book", type=Path, help="where stored metrics and pages go (default: docs/studies)")
    study.set_defaults(run=_study, folder=None)


def _study(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.study.command import BOOK, list_studies, report, run_study

    if options.names[0] in ("list", "report"):
        no_more([*options.names[1:], *rest])
        return list_studies() if options.names[0] == "list" else report(options.book or BOOK)
    return run_study(
        options.names,
        rest,
        seeds=options.seeds,
        recipe=options.base,
        jobs=options.jobs,
        runs=options.runs,
        book=options.book,
    )
