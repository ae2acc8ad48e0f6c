"""Stored responses as an engine: grading without a model, and another verifier on the same texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from or1_eval.errors import EngineError
from or1_eval.tasks.rows import read_rows
from or1_eval.types import Completion


class ReplayEngine:
    """Gives the responses of a file: rows `{problem | id, response | text[, finish_reason, token_ids]}`.

    Several rows of one problem are its samples, in their order; so is a row whose response is a list, or the
    `samples.jsonl` of an earlier run.
    """

    def __init__(self, file: str | Path) -> None:
        """Read the file.

        Raises:
            EngineError: a row says neither which problem it answers nor what the response is.
        """
        self._file = Path(file)
        self._responses: dict[str, dict[int, Completion]] = {}
        for number, row in enumerate(read_rows(self._file)):
            problem_id = row.get("problem", row.get("id", row.get("problem_id")))
            text = row.get("response", row.get("text"))
            if problem_id is None or text is None:
                raise EngineError(f"{self._file}, row {number}: needs a problem (or id) and a response (or text)")
            stored = self._responses.setdefault(str(problem_id), {})
            for one in text if isinstance(text, list) else [text]:
                stored[int(row.get("sample", len(stored)))] = _completion(str(one), row)

    def describe(self) -> dict[str, Any]:
        """For the fingerprint."""
        return {"engine": "replay", "model": f"replay of {self._file.name}"}

    def replay(self, keys: Sequence[tuple[str, int]]) -> Iterator[tuple[int, Completion]]:
        """(position, completion) of the keys [S], each (problem id, sample index), that the file has."""
        for position, (problem_id, index) in enumerate(keys):
            completion = self._responses.get(problem_id, {}).get(index)
            if completion is not None:
                yield position, completion


def _completion(text: str, row: Mapping[str, Any]) -> Completion:
    return Completion(
        text=text,
        finish_reason=str(row.get("finish_reason") or "stop"),
        token_ids=tuple(row.get("token_ids") or ()),
        num_tokens=int(row.get("num_tokens", -1)),
    )
