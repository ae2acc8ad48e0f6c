"""The files of `or1-reward grade`: rows in, verdicts out, rows set aside, and where a stopped run goes on."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from or1_reward.ground_truth import GroundTruth, GroundTruthError, parse_ground_truth
from or1_reward.types import Verdict

Item = tuple[str, GroundTruth, str | None]


def bad_rows_path(output: Path) -> Path:
    """Where rows go that cannot be graded: `verdicts.bad.jsonl` beside `verdicts.jsonl`."""
    return output.with_name(f"{output.stem}.bad.jsonl")


class BadRows:
    """Rows that cannot be graded: numbered from 1, each with what is wrong with it. The file is made with the first."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.numbers = _numbers_in(path)
        self._file: IO[str] | None = None

    def __enter__(self) -> BadRows:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def set_aside(self, number: int, row_id: object, error: str) -> None:
        """Note one row, once."""
        if number in self.numbers:
            return
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8", errors="backslashreplace")
        self.numbers.add(number)
        self._file.write(json.dumps({"row": number, "id": row_id, "error": error}, ensure_ascii=False) + "\n")
        self._file.flush()


def _numbers_in(path: Path) -> set[int]:
    """The rows that were set aside before; a half-written last line is cut off."""
    if not path.exists():
        return set()
    found: set[int] = set()
    with path.open("rb+") as file:
        end = 0
        for line in file:
            if not line.endswith(b"\n"):
                break
            found.add(int(json.loads(line)["row"]))
            end += len(line)
        file.truncate(end)
    return found


def rows_to_grade(source: IO[str], path: Path, bad: BadRows, *, skip: int, ids: list[Any]) -> Iterator[Item]:
    """Items to grade; each one's id is appended to `ids` as it is read, and what is no row is set aside."""
    for number, line in enumerate((line for line in source if line.strip()), start=1):
        if number <= skip or number in bad.numbers:
            continue
        try:
            row = _row_of(line, path, number)
            item = row["response"], parse_ground_truth(row["ground_truth"], row=row["id"]), row.get("finish_reason")
        except GroundTruthError as error:
            bad.set_aside(number, _id_of(line), str(error))
            continue
        ids.append(row["id"])
        yield item


_ROWS = "rows are {id, response, ground_truth[, finish_reason]}"


def _row_of(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        row = json.loads(line)
        if not isinstance(row["response"], str):
            raise TypeError("response must be text")
        _ = row["id"], row["ground_truth"]
    except KeyError as error:
        raise GroundTruthError(f"{path}, row {number}: has no {error.args[0]!r}; {_ROWS}") from error
    except json.JSONDecodeError as error:
        raise GroundTruthError(f"{path}, row {number}: is not JSON ({error}); {_ROWS}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise GroundTruthError(f"{path}, row {number}: {error}; {_ROWS}") from error
    found: dict[str, Any] = row
    return found


def _id_of(line: str | bytes) -> object:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return row.get("id") if isinstance(row, dict) else None


def row_of(row_id: object, verdict: Verdict, *, details: bool) -> dict[str, Any]:
    """A verdict as a row of the output; with `details` also each test of a code problem."""
    row: dict[str, Any] = {
        "id": row_id,
        "status": verdict.status.value,
        "reward": verdict.reward,
        "extracted": verdict.extracted,
        "detail": verdict.detail,
        "elapsed_s": round(verdict.elapsed_s, 6),
    }
    return row | ({"tests": [dataclasses.asdict(test) for test in verdict.tests]} if details else {})


def resume(output: Path, source: Path, bad: BadRows) -> tuple[int, int]:
    """(rows of `source` that are done, verdicts among them); a half-written last verdict is cut off.

    Raises:
        OSError: the verdicts are of other rows.
    """
    if not output.exists():
        return 0, 0
    verdicts = number = 0
    with output.open("rb+") as written, source.open("rb") as asked:
        end = 0
        rows = _numbered(asked, bad)
        for line in written:
            if not line.endswith(b"\n"):
                break
            number, row = next(rows, (number, b"{}"))
            _check_same(line, row, output, verdicts + 1)
            end += len(line)
            verdicts += 1
        written.truncate(end)
    return number, verdicts


def _numbered(asked: IO[bytes], bad: BadRows) -> Iterator[tuple[int, bytes]]:
    """The rows that have or will have a verdict, with their numbers."""
    for number, line in enumerate((line for line in asked if line.strip()), start=1):
        if number not in bad.numbers:
            yield number, line


def _check_same(verdict: bytes, row: bytes, output: Path, number: int) -> None:
    try:
        same = json.loads(verdict)["id"] == json.loads(row).get("id")
    except (ValueError, KeyError, TypeError):
        same = False
    if not same:
        raise OSError(
            f"{output}, row {number}: not the verdict of that row of the input; use --overwrite or another file"
        )
