"""`or1-eval compare`: is the second run better than the first?"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from or1_eval.compare import compare, comparison_text

_DESCRIPTION = """\
Compare two runs problem by problem: the difference of avg@k with a 95% interval and a p-value, for problems like
these and for these very problems; and how many problems or samples it takes to see such a difference.
"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "compare",
        help="compare two runs on the same problems",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=run)
    parser.add_argument("a", type=Path, metavar="RUN_A", help="the run to compare with")
    parser.add_argument("b", type=Path, metavar="RUN_B", help="the run that may be better")
    parser.add_argument("--confidence", type=float, default=0.95, help="confidence of the intervals (%(default)s)")
    parser.add_argument("--json", action="store_true", help="print numbers instead of a table")


def run(arguments: argparse.Namespace) -> int:
    """Do it and print."""
    found = compare(arguments.a, arguments.b, confidence=arguments.confidence)
    print(json.dumps([asdict(one) for one in found], indent=1) if arguments.json else comparison_text(found))
    return 0
