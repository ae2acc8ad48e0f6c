"""`or1-reward grade`: stream a file of responses to a file of verdicts, and go on where it was stopped."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from or1_reward.grading import Grader
from or1_reward.ground_truth import GroundTruthError, parse_ground_truth
from or1_reward.types import Verdict

_PROGRESS_EVERY_S = 0.5


def add_grade(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command to a parser."""
    parser = subparsers.add_parser(
        "grade",
        help="grade a jsonl file of responses",
        description="Read rows {id, response, ground_truth[, finish_reason]}, write rows "
        "{id, status, reward, extracted, detail, elapsed_s}. Files of any size are streamed. If OUT exists, the rows "
        "in it are kept and grading goes on behind them; --overwrite starts anew.",
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
    parser.add_argument("--overwrite", action="store_true", help="grade everything again")
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    parser.set_defaults(run=run_grade)


def run_grade(arguments: argparse.Namespace) -> int:
    """Grade `arguments.input`; 0 when every row has a verdict, 1 without the required layers, 2 when they are none."""
    if refused := _require(arguments.require, arguments.workers):
        return refused
    done = 0 if arguments.overwrite else _resume(arguments.output, arguments.input)
    progress = _Progress(done, quiet=arguments.quiet)
    mode = "w" if arguments.overwrite else "a"
    with (
        arguments.input.open(encoding="utf-8") as source,
        arguments.output.open(mode, encoding="utf-8", errors="backslashreplace") as sink,
    ):
        ids: list[Any] = []
        rows = _rows(source, arguments.input, skip=done, ids=ids)
        for verdict in Grader().stream(rows, arguments.workers):
            sink.write(json.dumps(_row(ids.pop(0), verdict), ensure_ascii=False) + "\n")
            progress.count(verdict)
    progress.finish()
    return 0


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


def _rows(source: IO[str], path: Path, *, skip: int, ids: list[Any]) -> Iterator[tuple[str, object, str | None]]:
    """Items to grade; each row's id is appended to `ids` as it is read."""
    for number, line in enumerate(_lines(source), start=1):
        if number <= skip:
            continue
        try:
            row = json.loads(line)
            if not isinstance(row["response"], str):
                raise TypeError("response must be text")
            item = row["response"], parse_ground_truth(row["ground_truth"], row=row["id"]), row.get("finish_reason")
        except (ValueError, KeyError, TypeError) as error:
            if isinstance(error, GroundTruthError):
                raise
            raise GroundTruthError(
                f"{path}, row {number}: {error!r}; rows are {{id, response, ground_truth[, finish_reason]}}"
            ) from error
        ids.append(row["id"])
        yield item


def _lines(source: IO[str]) -> Iterator[str]:
    return (line for line in source if line.strip())


def _row(row_id: object, verdict: Verdict) -> dict[str, Any]:
    return {
        "id": row_id,
        "status": verdict.status.value,
        "reward": verdict.reward,
        "extracted": verdict.extracted,
        "detail": verdict.detail,
        "elapsed_s": round(verdict.elapsed_s, 6),
    }


def _resume(output: Path, source: Path) -> int:
    """How many verdicts of `source` are already in `output`; a half-written last line is cut off."""
    if not output.exists():
        return 0
    done = 0
    with output.open("rb+") as written, source.open("rb") as asked:
        end = 0
        rows = (line for line in asked if line.strip())
        for line in written:
            if not line.endswith(b"\n"):
                break
            _check_same(line, next(rows, b"{}"), output, done + 1)
            end += len(line)
            done += 1
        written.truncate(end)
    return done


def _check_same(verdict: bytes, row: bytes, output: Path, number: int) -> None:
    try:
        same = json.loads(verdict)["id"] == json.loads(row).get("id")
    except (ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise OSError(
            f"{output}, row {number}: not the verdict of that row of the input; use --overwrite or another file"
        )


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


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return value
