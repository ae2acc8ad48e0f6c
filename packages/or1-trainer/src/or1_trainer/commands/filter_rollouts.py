"""`or1-trainer filter-rollouts RUN -o rows.jsonl`: right responses of a run, as rows to fine-tune on."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from or1_trainer.commands.declare import Commands, declare, no_settings


def add(commands: Commands) -> None:
    """Declare the command."""
    parser = declare(
        commands,
        "filter-rollouts",
        "write the right responses of a run as rows of messages",
        more="""\
For rejection fine-tuning: a stage with kind = "sft" and these rows. Only responses that the run kept are seen
(watch.rollout_share), that ended by themselves, and each text once per problem.""",
        examples="""
            or1-trainer filter-rollouts runs/tiny-001 -o rows.jsonl
            or1-trainer filter-rollouts runs/tiny-001 -o rows.jsonl --per-problem 4 --pick diverse
        """,
    )
    parser.add_argument("folder", type=Path, help="run folder")
    parser.add_argument("-o", "--out", type=Path, required=True, help="file to write (.jsonl)")
    parser.add_argument("--per-problem", type=int, default=1, help="most responses of a problem (default 1)")
    parser.add_argument(
        "--pick",
        choices=("shortest", "diverse"),
        default="shortest",
        help="which ones: the shortest (default), or the shortest and those that differ most from it and each other",
    )
    parser.add_argument(
        "--least-reward", type=float, default=1.0, help="reward that a right response must have (default 1)"
    )
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace, rest: Sequence[str]) -> int:
    no_settings(rest)
    from or1_trainer.train.filter_rollouts import filter_rollouts

    count = filter_rollouts(
        options.folder,
        options.out,
        per_problem=options.per_problem,
        pick=options.pick,
        least_reward=options.least_reward,
    )
    print(f"{count} rows in {options.out}")
    return 0
