"""`or1-eval export`: a run as logs of inspect_ai."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from or1_eval.adapters.inspect_log import export_logs

_DESCRIPTION = """\
Write a run as logs of inspect_ai, one per task: problems are its samples, the samples of a problem their epochs. Then
`inspect view --log-dir DIR` shows it. inspect_ai need not be installed to write them.
"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "export",
        help="write a run as logs of inspect_ai",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=run)
    parser.add_argument("run", type=Path, metavar="RUN", help="a run folder")
    parser.add_argument("-o", "--out", type=Path, metavar="DIR", help="folder of the logs (default: RUN/inspect)")


def run(arguments: argparse.Namespace) -> int:
    """Write and say where."""
    for path in export_logs(arguments.run, arguments.out or arguments.run / "inspect"):
        print(path)
    return 0
