"""Stored responses as an engine: grading without a model, and another verifier on the same texts."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from or1_eval.errors import EngineError
from or1_eval.tasks.rows import read_rows
from or1_eval.types import Completion

_ID_NAMES = ("id", "problem_id", "problem")
_SHOWN_IDS = 3

_Responses = dict[str, dict[int, Completion]]
"""Problem id -> sample index -> what is stored."""


class ReplayEngine:
    """Gives the responses of a file: rows `{id | problem, response | text[, task, sample, finish_reason, token_ids]}`.

    Several rows of one problem are its samples, in their order; so is a row whose response is a list, or the
    `samples.jsonl` of an earlier run. A row that names its `task` serves that task only.
    """

    def __init__(self, file: str | Path) -> None:
        """Read the file.

        Raises:
            EngineError: a row says neither which problem it answers nor what the response is, or a sample is there
                twice.
        """
        self._file = Path(file)
        self._sha256 = hashlib.sha256(self._file.read_bytes()).hexdigest() if self._file.is_file() else ""
        self._tasks: dict[str, _Responses] = defaultdict(dict)
        for number, row in enumerate(read_rows(self._file)):
            self._keep(row, f"{self._file}, row {number}")

    def describe(self) -> dict[str, Any]:
        """For the fingerprint."""
        return {"engine": "replay", "model": f"replay of {self._file.name}@{self._sha256[:8]}"}

    def num_samples(self, task: str, problem_ids: Sequence[str]) -> int:
        """How many samples the file has of each of these problems at least, of those that it has at all."""
        responses = self._responses(task)
        counts = [len(responses[problem_id]) for problem_id in problem_ids if problem_id in responses]
        return min(counts, default=0)

    def mismatch(self, task: str, problem_ids: Sequence[str]) -> str:
        """What to say where no row answers any of these problems, else nothing."""
        responses = self._responses(task)
        if any(problem_id in responses for problem_id in problem_ids):
            return ""
        known = ", ".join(map(repr, [*responses][:_SHOWN_IDS])) or "none for this task"
        wanted = ", ".join(map(repr, problem_ids[:_SHOWN_IDS]))
        return (
            f"no row of {self._file.name} answers a problem of this task: the file's ids are {known}, ...; "
            f"the task's {wanted}, ..."
        )

    def replay(self, task: str, keys: Sequence[tuple[str, int]]) -> Iterator[tuple[int, Completion]]:
        """(position, completion) of the keys [S], each (problem id, sample index), that the file has for a task."""
        responses = self._responses(task)
        for position, (problem_id, index) in enumerate(keys):
            completion = responses.get(problem_id, {}).get(index)
            if completion is not None:
                yield position, completion

    def _responses(self, task: str) -> _Responses:
        """Rows of this task, and rows that name none."""
        return {**self._tasks.get("", {}), **self._tasks.get(task, {})}

    def _keep(self, row: Mapping[str, Any], where: str) -> None:
        problem_id = next((row[name] for name in _ID_NAMES if row.get(name) is not None), None)
        text = row.get("response", row.get("text"))
        if problem_id is None or not ("response" in row or "text" in row):
            raise EngineError(f"{where}: needs an id (or problem) and a response (or text)")
        stored = self._tasks[str(row.get("task") or "")].setdefault(str(problem_id), {})
        for one in text if isinstance(text, list) else [text]:
            index = int(row.get("sample", len(stored)))
            if index in stored:
                raise EngineError(f"{where}: sample {index} of problem {str(problem_id)!r} occurs twice")
            stored[index] = _completion(one, row)


def _completion(text: Any, row: Mapping[str, Any]) -> Completion:
    """A stored response; one that is null, as programs store a request that failed, is a missing sample."""
    if text is None:
        return Completion(text="", finish_reason="abort", error="the stored response is null")
    return Completion(
        text=str(text),
        finish_reason=str(row.get("finish_reason") or "stop"),
        token_ids=tuple(row.get("token_ids") or ()),
        num_tokens=int(row.get("num_tokens", -1)),
    )
