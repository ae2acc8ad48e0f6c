"""Command line of or1-reward: `grade`, `doctor`, `serve`. Exit codes: 0 done, 1 failed, 2 usage."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from importlib.util import find_spec

from or1_reward.cli_grade import add_grade
from or1_reward.ground_truth import GroundTruthError

_EPILOG = """\
Examples:
  or1-reward grade answers.jsonl -o verdicts.jsonl --workers 4
  or1-reward doctor

Rows of answers.jsonl: {"id": 1, "response": "... \\\\boxed{42}", "ground_truth": "42", "finish_reason": "stop"}
Rows of verdicts.jsonl: {"id": 1, "status": "correct", "reward": 1.0, "extracted": "42",
                         "detail": "...", "elapsed_s": ...}
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = build_parser().parse_args(argv)
    try:
        return int(arguments.run(arguments))
    except OSError as error:
        print(
            f"or1-reward: {error.filename}: {error.strerror}" if error.filename else f"or1-reward: {error}",
            file=sys.stderr,
        )
        return 1
    except GroundTruthError as error:
        print(f"or1-reward: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("or1-reward: stopped; the written rows are kept, and the same command continues", file=sys.stderr)
        return 1


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="or1-reward",
        description="Verify answers of language models to maths and code problems.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"or1-reward {version('or1-reward')}")
    subparsers = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add_grade(subparsers)
    if find_spec("or1_reward.cli_code") is not None:
        code = import_module("or1_reward.cli_code")
        code.add_doctor(subparsers)
        code.add_serve(subparsers)
    return parser


if __name__ == "__main__":
    sys.exit(main())
