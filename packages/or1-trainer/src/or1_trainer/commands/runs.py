"""What runs have to show: `or1-trainer report RUN...`, `watch RUN...`, and `filter-rollouts RUN -o rows.jsonl`."""

from __future__ import annotations

import argparse
import socket
import sys
from pathlib import Path

from or1_trainer.commands.declare import Commands, declare
from or1_trainer.errors import ConfigError

PORT = 8642
EVERYWHERE = ("0.0.0.0", "::")
"""Addresses that mean all of this machine's."""


def add(commands: Commands) -> None:
    """Declare the three commands."""
    report = declare(
        commands,
        "report",
        _report,
        "write report.html of one run, or of several for comparison",
        more="""\
One HTML page that needs no network and no scripts: accuracy, reward, entropy and its coefficient, lengths, stages,
time per phase, alarms with advice, sampled rollouts with verdict and advantage, settings. It also works for runs that
are not finished or were killed.""",
        examples="""
            or1-trainer report runs/tiny-001
            or1-trainer report runs/tiny-001 runs/tiny-002 -o both.html     differing settings are marked
        """,
    )
    report.add_argument("folders", type=Path, nargs="+", help="run folders")
    report.add_argument("-o", "--out", type=Path, help="file to write (default: report.html in the first folder)")

    watch = declare(
        commands,
        "watch",
        _watch,
        "show runs in the browser while they train",
        more="""\
A local page over live or finished runs: the charts of the report with values under the pointer, zoom and log scale,
several runs overlaid; the phases of the steps; alarms; the kept rollouts to search and filter, one group per step token
by token. New steps appear by themselves. Needs the extra `watch`.""",
        examples="""
            or1-trainer watch runs/tiny-001
            or1-trainer watch runs/tiny-001 runs/tiny-002 --port 0
            or1-trainer watch runs/tiny-001 --host 0.0.0.0       from other machines, with the token it prints
        """,
    )
    watch.add_argument("folders", type=Path, nargs="+", metavar="RUN", help="run folders, in the order of their colors")
    watch.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    watch.add_argument("--port", type=int, default=PORT, help=f"0: any free one (default {PORT})")

    filtered = declare(
        commands,
        "filter-rollouts",
        _filter_rollouts,
        "write the right responses of a run as rows of messages",
        more="""\
For rejection fine-tuning: a stage with kind = "sft" and these rows. Only responses that the run kept are seen
(watch.rollout_share), that ended by themselves, and each text once per problem.""",
        examples="""
            or1-trainer filter-rollouts runs/tiny-001 -o rows.jsonl
            or1-trainer filter-rollouts runs/tiny-001 -o rows.jsonl --per-problem 4 --pick diverse
        """,
    )
    filtered.add_argument("folder", type=Path, help="run folder")
    filtered.add_argument("-o", "--out", type=Path, required=True, help="file to write (.jsonl)")
    filtered.add_argument("--per-problem", type=int, default=1, help="most responses of a problem (default 1)")
    filtered.add_argument(
        "--pick",
        choices=("shortest", "diverse"),
        default="shortest",
        help="which ones: the shortest (default), or the shortest and those that differ most from it and each other",
    )
    filtered.add_argument(
        "--least-reward", type=float, default=1.0, help="reward that a right response must have (default 1)"
    )


def _report(options: argparse.Namespace) -> int:
    from or1_trainer.report.write import write_report

    out = options.out or options.folders[0] / "report.html"
    write_report(options.folders, out)
    print(out)
    return 0


def _watch(options: argparse.Namespace) -> int:
    try:
        import starlette  # noqa: F401
        import uvicorn  # noqa: F401
    except ModuleNotFoundError as error:
        raise ConfigError(f"watch needs the package {error.name}: pip install 'or1-trainer[watch]'") from error
    from or1_trainer.watch.runs import watched_runs
    from or1_trainer.watch.server import build_app, new_token, serve

    token = new_token(options.host)
    runs = watched_runs(options.folders)
    app = build_app(runs, token)
    for run in runs:
        run.read_ahead()
    host = socket.gethostname() if options.host in EVERYWHERE else options.host
    host = f"[{host}]" if ":" in host else host
    end = f"/?token={token}" if token else "/"
    try:
        serve(app, options.host, options.port, lambda port: print(f"http://{host}:{port}{end}", flush=True))
    except KeyboardInterrupt:
        print("or1-trainer: stopped watching", file=sys.stderr)
    return 0


def _filter_rollouts(options: argparse.Namespace) -> int:
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
