"""Command line of or1-eval: `run`, `regrade`, `compare`, `view`, `export`. Exit codes: 0 done, 1 failed, 2 usage."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version

from or1_eval import cli_compare, cli_export, cli_regrade, cli_run, cli_view
from or1_eval.errors import EvalError

_EPILOG = """\
Examples:
  or1-eval run aime24 aime25 --endpoint http://localhost:8000 -k 32
  or1-eval run aime24=problems/aime24.jsonl --model path/to/model -k 4
  or1-eval run my_exam.toml --endpoint http://localhost:8000 -o runs/mine      (again: continues where it stopped)
  or1-eval regrade runs/mine
  or1-eval compare runs/mine runs/theirs
  or1-eval view runs/mine runs/theirs --serve
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.command(arguments))
    except BrokenPipeError:  # the reader of our output has gone, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (EvalError, OSError) as error:
        print(f"or1-eval: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nor1-eval: stopped; every sample so far is kept, and the same command continues", file=sys.stderr)
        return 1


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="or1-eval",
        description="avg@k with error bars over any engine and any problem file.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"or1-eval {version('or1-eval')}")
    commands = parser.add_subparsers(title="commands", metavar="{run,regrade,compare,view,export}", required=True)
    for command in (cli_run, cli_regrade, cli_compare, cli_view, cli_export):
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
