"""`or1-trainer watch RUN...`."""

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
    """Declare the command."""
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
