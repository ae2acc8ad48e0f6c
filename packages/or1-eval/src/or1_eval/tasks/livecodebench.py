"""LiveCodeBench: problems of a release whose contest lies in a date window, their tests left packed until graded.

The files are those of `livecodebench/code_generation_lite`: one object per line, each with its tests in LiveCodeBench's
own encoding, up to tens of megabytes a line. Here a line outside the window is passed over unparsed, and a problem
keeps only its question and where its tests are; `or1_reward` decodes them while a sample is judged.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from or1_eval.errors import TaskError
from or1_eval.tasks.problems import messages
from or1_eval.tasks.rows import Row
from or1_eval.tasks.spec import TaskSpec, Window
from or1_eval.types import Problem

RELEASES: Final[Mapping[str, int]] = {f"release_v{n}": n for n in range(1, 7)} | {"release_latest": 6}
"""Release -> how many of the files it takes: 400, 511, 612, 713, 880, 1055 problems."""

STARTER_FORMAT: Final = (
    "You will use the following starter code to write the solution to the problem and enclose your code within "
    "delimiters.\n```python\n{starter}\n```"
)
STDIN_FORMAT: Final = (
    "Read the inputs from stdin solve the problem and write the answer to stdout (do not directly test on the sample "
    "inputs). Enclose your code within delimiters as follows. Ensure that when the python program runs, it reads the "
    "inputs, runs the algorithm and writes output to STDOUT.\n```python\n# YOUR CODE HERE\n```"
)
"""The two instructions of LiveCodeBench's own prompt, word for word: another wording is another benchmark."""

_HASHED_BYTES: Final = 1 << 20

_DATE: Final = re.compile(rb'(?<!\\)"contest_date"\s*:\s*"(\d{4}-\d\d-\d\d)')


@dataclass(frozen=True, slots=True)
class PackedTests:
    """The tests of one problem: called, it reads and decodes them from the file.

    `file_hash` is `hash_of` the file when the problem was loaded, so that a later regrade notices another file.
    """

    question_id: str
    file: Path
    file_hash: str = ""

    def check(self) -> None:
        """Raise `TaskError` where the file is not the one that the problem was loaded from."""
        if not self.file.is_file():
            raise TaskError(f"the tests of {self.question_id!r} are in {self.file}, which is not there; put it back")
        if self.file_hash and hash_of(self.file.resolve()) != self.file_hash:
            raise TaskError(f"{self.file} with the tests of {self.question_id!r} has changed")

    def __call__(self) -> dict[str, Any]:
        """The ground truth object `{inputs, outputs[, fn_name]}`, public tests first."""
        from or1_reward.code.livecodebench import look_up

        truth = look_up(self.question_id, self.file)
        tests: dict[str, Any] = {"inputs": list(truth.inputs), "outputs": list(truth.outputs)}
        name = getattr(truth, "fn_name", None)
        return tests if name is None else tests | {"fn_name": name}


@lru_cache(maxsize=64)
def hash_of(file: Path) -> str:
    """Hash over a file's size, start and end: a release has gigabytes."""
    size = file.stat().st_size
    with file.open("rb") as data:
        start = data.read(_HASHED_BYTES)
        data.seek(max(0, size - _HASHED_BYTES))
        return hashlib.sha256(f"{size}:".encode() + start + data.read()).hexdigest()[:16]


def livecodebench_problems(spec: TaskSpec, template: str, file: Path | None) -> tuple[list[Problem], str]:
    """The problems in the window, in the order of the files, and what to say of them in the result.

    Raises:
        TaskError: no such file, an unknown release, dates that are none, a broken row.
    """
    window = _checked(spec.window)
    files = _local_files(file, window.release) if file is not None else _hub_files(spec, window.release)
    problems = [_problem(row, path.resolve(), spec, template) for path in files for row in _rows(path, window)]
    return problems, f" ({window.release}, {window.start} to {window.end}: {len(problems)} problems)"


def _checked(window: Window) -> Window:
    if window.release not in RELEASES:
        raise TaskError(f"no LiveCodeBench release {window.release!r}; there are {', '.join(RELEASES)}")
    try:
        start, end = date.fromisoformat(window.start), date.fromisoformat(window.end)
    except ValueError as error:
        raise TaskError(f"the LiveCodeBench window needs dates like 2024-08-01: {error}") from error
    if start > end:
        raise TaskError(f"the LiveCodeBench window ends ({end}) before it starts ({start})")
    return window


def file_names(release: str) -> list[str]:
    """The files of a release: each adds the problems that are new in it."""
    return ["test.jsonl", *(f"test{n}.jsonl" for n in range(2, RELEASES[release] + 1))]


def _local_files(place: Path, release: str) -> list[Path]:
    if place.is_file():
        return [place]
    if not place.is_dir():
        raise TaskError(f"no LiveCodeBench file or folder {place}")
    files = [place / name for name in file_names(release)]
    absent = [path.name for path in files if not path.is_file()]
    if absent:
        raise TaskError(f"{place} lacks {', '.join(absent)} of {release}; name a smaller release or one file")
    return files


def _hub_files(spec: TaskSpec, release: str) -> list[Path]:
    if spec.hub is None:
        raise TaskError(f"task {spec.name!r} names neither a file nor a hub set; give one: {spec.name}=FILE")
    try:
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError as error:
        raise TaskError(
            f"{spec.hub.id} is on the hub: install the extra (uv pip install 'or1-eval[hub]'), or give its files: "
            f"{spec.name}=FOLDER"
        ) from error
    try:
        return [
            Path(hf_hub_download(spec.hub.id, name, repo_type="dataset", revision=spec.hub.revision))
            for name in file_names(release)
        ]
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise TaskError(
            f"cannot load {spec.hub.id} from the hub: {error}; give its files: {spec.name}=FOLDER"
        ) from error


def _rows(path: Path, window: Window) -> Iterator[Row]:
    with path.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            contest = _DATE.search(line)
            if contest is None:
                if line.strip():
                    raise TaskError(f"{path}, line {number}: no contest_date; is it a file of code_generation_lite?")
            elif window.start <= contest[1].decode() <= window.end:
                yield _parsed(line, f"{path}, line {number}")


def _parsed(line: bytes, where: str) -> Row:
    try:
        row = json.loads(line)
    except ValueError as error:
        raise TaskError(f"{where}: {error}") from error
    absent = {"question_id", "question_content"} - row.keys() if isinstance(row, dict) else {"an object"}
    if absent:
        raise TaskError(f"{where}: no {', '.join(sorted(absent))}")
    return dict(row)


def _problem(row: Row, path: Path, spec: TaskSpec, template: str) -> Problem:
    question, starter = str(row["question_content"]), str(row.get("starter_code") or "")
    form = STARTER_FORMAT.replace("{starter}", starter) if starter else STDIN_FORMAT
    filled = {name: text.replace("{format}", form) for name, text in spec.templates.items()}
    shown = {name: row[name] for name in ("difficulty", "platform", "contest_date", "question_title") if name in row}
    return Problem(
        id=str(row["question_id"]),
        prompt=messages(replace(spec, templates=filled), template, question),
        ground_truth=PackedTests(str(row["question_id"]), path, hash_of(path)),
        info={"problem": question} | shown,
    )
