"""`or1-reward grade`: stream a file of responses to a file of verdicts, and go on where it was stopped."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

from or1_reward.code_settings import CodeSettings
from or1_reward.comparison import LIVECODEBENCH, Compare, CompareError, parse_compare
from or1_reward.grade_files import BadRows, bad_rows_path, resume, row_of, rows_to_grade
from or1_reward.grading import Grader
from or1_reward.types import Verdict

_PROGRESS_EVERY_S = 0.5
_SHOWN = 5


def add_grade(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = subparsers.add_parser(
        "grade",
        help="grade a jsonl file of responses",
        description="Read rows {id, response, ground_truth[, finish_reason]}, write rows "
        "{id, status, reward, extracted, detail, elapsed_s}. Files of any size are streamed. If OUT exists, the rows "
        "in it are kept and grading continues after them; --overwrite starts again. Rows that cannot be graded are set "
        "aside in OUT.bad.jsonl with the reason; the exit code is then 1.",
    )
    parser.add_argument("input", type=Path, metavar="IN.jsonl", help="rows to grade")
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="OUT.jsonl", help="where verdicts go")
    parser.add_argument(
        "--workers", type=_positive, default=os.cpu_count() or 1, help="verdicts at a time (%(default)s)"
    )
    parser.add_argument(
        "--require",
        default="",
        metavar="LAYERS",
        help="refuse to grade code without these sandbox layers, comma-separated as `or1-reward doctor` names them",
    )
    parser.add_argument("--details", action="store_true", help="write the result of each test of a code problem too")
    parser.add_argument(
        "--compare",
        type=_compare,
        default=LIVECODEBENCH,
        metavar="HOW",
        help="how outputs of programs are compared if the row does not say: livecodebench (default), exact or tokens, "
        "then ignore_case, unordered_lines, tolerance=1e-6, separated by commas",
    )
    parser.add_argument(
        "--partial-scores", action="store_true", help="the reward of a program is the share of tests that it passes"
    )
    parser.add_argument("--overwrite", action="store_true", help="grade everything again")
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    parser.set_defaults(run=run_grade)


def run_grade(arguments: argparse.Namespace) -> int:
    """Grade `arguments.input`; 0 when every row has a verdict, 1 when rows were set aside or layers are missing."""
    if refused := _require(arguments.require, arguments.workers):
        return refused
    aside = bad_rows_path(arguments.output)
    if arguments.overwrite:
        aside.unlink(missing_ok=True)
    with BadRows(aside) as bad:
        skip, before = (0, 0) if arguments.overwrite else resume(arguments.output, arguments.input, bad)
        progress = _Progress(before, quiet=arguments.quiet)
        _grade(arguments, bad, skip, progress)
        progress.finish()
        return _tell_of_bad_rows(bad)


def _grade(arguments: argparse.Namespace, bad: BadRows, skip: int, progress: _Progress) -> None:
    code = CodeSettings(compare=arguments.compare, partial_scores=arguments.partial_scores)
    mode = "w" if arguments.overwrite else "a"
    with (
        arguments.input.open(encoding="utf-8") as source,
        arguments.output.open(mode, encoding="utf-8", errors="backslashreplace") as sink,
    ):
        ids: list[Any] = []
        rows = rows_to_grade(source, arguments.input, bad, skip=skip, ids=ids)
        for verdict in Grader(code=code).stream(rows, arguments.workers):
            sink.write(json.dumps(row_of(ids.pop(0), verdict, details=arguments.details), ensure_ascii=False) + "\n")
            progress.count(verdict)


def _tell_of_bad_rows(bad: BadRows) -> int:
    """Name the rows that have no verdict; the exit code."""
    if not bad.numbers:
        return 0
    count = len(bad.numbers)
    print(f"or1-reward grade: {count} row{'s' * (count > 1)} cannot be graded, see {bad.path}:", file=sys.stderr)
    for line in bad.path.read_text(encoding="utf-8").splitlines()[:_SHOWN]:
        print(f"  {json.loads(line)['error']}", file=sys.stderr)
    return 1


def _require(layers: str, workers: int) -> int:
    """Start a jail and look at its layers before anything is read or written; the exit code of a refusal, else 0."""
    names = tuple(name.strip() for name in layers.split(",") if name.strip())
    if not names:
        return 0
    from or1_reward.sandbox import SandboxConfig, SandboxError, configure

    try:
        configure(SandboxConfig(workers=workers, require=names))
    except SandboxError as error:
        print(f"or1-reward grade: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"or1-reward grade: {error}", file=sys.stderr)
        return 2
    return 0


class _Progress:
    """One line on stderr that is rewritten in place, and a summary at the end."""

    def __init__(self, done: int, *, quiet: bool) -> None:
        self.started = self.shown = time.monotonic()
        self.resumed, self.seen = done, 0
        self.counts: dict[str, int] = {}
        self.live = not quiet and sys.stderr.isatty()
        self.quiet = quiet

    def count(self, verdict: Verdict) -> None:
        self.seen += 1
        self.counts[verdict.status] = self.counts.get(verdict.status, 0) + 1
        if self.live and time.monotonic() - self.shown > _PROGRESS_EVERY_S:
            self.shown = time.monotonic()
            print(f"\r{self._line()}", end="", file=sys.stderr, flush=True)

    def finish(self) -> None:
        if not self.quiet:
            before = f", {self.resumed} were there before" if self.resumed else ""
            print(f"{chr(13) if self.live else ''}{self._line()}{before}", file=sys.stderr)

    def _line(self) -> str:
        rate = self.seen / max(time.monotonic() - self.started, 1e-9)
        counts = ", ".join(f"{count} {status}" for status, count in sorted(self.counts.items()))
        return f"graded {self.seen} rows ({rate:.0f}/s): {counts or 'nothing to do'}"


def _compare(text: str) -> Compare:
    try:
        return parse_compare(text)
    except CompareError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
