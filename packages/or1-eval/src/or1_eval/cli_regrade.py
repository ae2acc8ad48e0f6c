"""`or1-eval regrade`: judge the stored samples again and show what changed."""

from __future__ import annotations

import argparse
import os
from collections import Counter
from pathlib import Path
from typing import Any

from or1_eval.cli_run import named_object
from or1_eval.regrade import regrade
from or1_eval.table import percent, plain
from or1_reward import verify as default_verify

_DESCRIPTION = """\
Judge every stored sample of a run with the verifier that is installed now (or another one) and show what changed.
samples.jsonl stays as it is; the verdicts that differ are kept in regrades/N.jsonl and count from then on, and
results.json, results.md and report.html are written again.
"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "regrade",
        help="judge a run's samples again",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=run)
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument(
        "--verifier",
        metavar="MODULE:NAME",
        help="verifier to use instead of or1_reward:verify, with the same signature",
    )
    parser.add_argument("--only-errors", action="store_true", help="only samples whose verifier failed")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="samples judged at a time (%(default)s)"
    )
    parser.add_argument("--show", type=int, default=20, metavar="N", help="changed samples to list (%(default)s)")


def run(arguments: argparse.Namespace) -> int:
    """Do it and print the changes."""
    verify = named_object(arguments.verifier) if arguments.verifier else default_verify
    found = regrade(arguments.run, verify=verify, workers=arguments.workers, only_errors=arguments.only_errors)
    rows = [
        (
            name,
            percent(found.before[name].avg),
            percent(report.avg),
            f"{100 * (report.avg - found.before[name].avg):+.2f}",
        )
        for name, report in found.after.items()
    ]
    print(plain(("task", "avg@k before", "after", "change"), rows))
    print(f"{len(found.changes)} of {found.num_samples} samples have another status now")
    for (task, before, after), count in sorted(Counter((c.task, c.before, c.after) for c in found.changes).items()):
        print(f"  {task}: {count} x {before} -> {after}")
    for change in found.changes[: arguments.show]:
        detail = " ".join(change.detail.split())[:160]
        print(
            f"    {change.problem_id} sample {change.index}: {change.before} -> {change.after}: "
            f"{change.extracted!r} ({detail})"
        )
    return 0
