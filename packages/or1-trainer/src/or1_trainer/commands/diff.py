"""`or1-trainer diff RUN_A RUN_B`."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from or1_trainer.commands.declare import Commands, declare, no_settings

MOST_CHARACTERS = 60


def add(commands: Commands) -> None:
    """Declare the command."""
    diff = declare(
        commands,
        "diff",
        "show where two runs differ",
        more="""\
Compares settings, versions and the content of the problems, and finds the first step and the first stage in it
(problems, prompts, seeds, responses, log-probs, verdicts, advantages, learning rate, loss, gradient norm, weights,
evaluation) at which they differ: every stage is hashed in every step.
Durations are not compared. The exit code is 0 if the numbers agree at all steps that both runs have, else 1.""",
        examples="""
            or1-trainer diff runs/tiny-001 runs/tiny-002
        """,
    )
    diff.add_argument("first", type=Path, help="run folder")
    diff.add_argument("second", type=Path, help="run folder")
    diff.set_defaults(run=_diff, folder=None)


def _diff(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.report.diff import differences, divergence
    from or1_trainer.report.read_run import read_run

    no_settings(rest)
    first, second = read_run(options.first), read_run(options.second)
    for name, found in (
        ("settings", differences(first.config, second.config)),
        ("versions", differences(first.versions, second.versions)),
        ("data", differences(first.data, second.data)),
    ):
        print(f"{name}: {f'{len(found)} differ' if found else 'equal'}")
        for key, one, other in found:
            print(f"  {key}: {_short(one)} → {_short(other)}")
    where = divergence(first, second)
    if where is None:
        common = {row["step"] for row in first.rows} & {row["step"] for row in second.rows}
        print(f"numbers: equal at all {len(common)} common steps")
        return 0
    print(f"numbers: differ from step {where.step}, first in {where.stage}")
    print(f"  {where.what}: {_short(where.first)} → {_short(where.second)}")
    return 1


def _short(text: str) -> str:
    """On one line, cut in the middle."""
    line = text.replace("\n", "\\n")
    return line if len(line) <= MOST_CHARACTERS else f"{line[: MOST_CHARACTERS // 2]}…{line[-MOST_CHARACTERS // 2 :]}"
