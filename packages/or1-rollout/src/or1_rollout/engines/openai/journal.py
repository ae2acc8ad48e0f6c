"""Finished samples in a file, so that a batch that broke off goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO

from or1_rollout.errors import RowError
from or1_rollout.types import Completion

_KEY_BYTES = 16
_PLACE = ("stream", "return_token_ids", "logprobs")
"""Fields of a request that do not say which sample it is."""


def key_of(body: Mapping[str, Any]) -> str:
    """Names a sample by all that decides it: model, prompt, sampling, seed."""
    decisive = {name: value for name, value in body.items() if name not in _PLACE}
    text = json.dumps(decisive, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).hexdigest()


class Journal:
    """Lines `{"key": ..., "completion": {...}}`, appended one by one."""

    def __init__(self, path: Path) -> None:
        """Read what is there; the line that a kill cut off is removed. Raises `RowError` for another kind of file."""
        self.path = path
        self._done: dict[str, Completion] = {}
        *whole, tail = path.read_bytes().split(b"\n") if path.exists() else [b""]
        for number, line in enumerate(whole, 1):
            self._take(line, number)
        if tail:
            with path.open("r+b") as file:
                file.truncate(path.stat().st_size - len(tail))
        self._file: TextIO = path.open("a", encoding="utf-8")

    def get(self, key: str) -> Completion | None:
        """The sample, if it was finished before."""
        return self._done.get(key)

    def put(self, key: str, completion: Completion) -> None:
        """Keep a finished sample; it is in the file when this returns."""
        self._done[key] = completion
        self._file.write(json.dumps({"key": key, "completion": completion.to_json()}, ensure_ascii=False) + "\n")
        self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _take(self, line: bytes, number: int) -> None:
        try:
            row = json.loads(line)
            self._done[row["key"]] = Completion.from_json(row["completion"])
        except (ValueError, KeyError, TypeError) as error:
            raise RowError(f"{self.path}:{number}: this is no journal of samples; name another file") from error
