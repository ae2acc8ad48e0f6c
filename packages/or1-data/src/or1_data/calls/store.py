"""The store of paid calls: each attempt and each vote by what decided it, so that no other run asks for it again.

A store is a folder of JSON lines. Every process that makes calls appends to a file of its own, and reads those of all
others when it opens the store: runs and machines share a folder without locks, and a killed one loses at most the line
it was writing. Nothing in it is ever removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
from pathlib import Path
from typing import IO, Any

import msgspec

from or1_data.errors import RunError

_KEY_BYTES = 12


class Call(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of one call; an attempt has a reward, a vote a letter."""

    reward: float | None = None
    """The verifier's reward; None where it failed, and then `text` is kept, to be judged again."""
    extracted: str = ""
    """The answer that was judged, for math that was judged wrong."""
    truncated: bool = False
    empty: bool = False
    num_tokens: int = 0
    vote: str = ""
    """A: accept, R: reject, ?: no vote (unreadable, empty or cut off)."""
    text: str = ""


class _Line(Call, frozen=True, omit_defaults=True):
    key: str = ""
    number: int = 0


def call_key(*decisive: object) -> str:
    """The key of all calls that differ in their number only: 24 hex digits over what decides their outcome."""
    text = json.dumps(decisive, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=_KEY_BYTES).hexdigest()


class CallStore:
    """The calls of a folder; without one, those of this process. Use as a context manager."""

    def __init__(self, folder: str | Path | None = None) -> None:
        """Read what is there. Raises `RunError` where the folder cannot be used."""
        self.folder = Path(folder) if folder is not None else None
        self.refused: dict[str, str] = {}
        """Key -> what a server said that refused the prompt. Not kept in the folder: another server may take it."""
        self._calls: dict[str, dict[int, Call]] = {}
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        if self.folder is not None:
            for path in sorted(self.folder.glob("*.jsonl")):
                self._read(path)

    def __enter__(self) -> CallStore:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def get(self, key: str, number: int) -> Call | None:
        """The call with this key and number, if it was made."""
        return self._calls.get(key, {}).get(number)

    def put(self, key: str, number: int, call: Call) -> None:
        """Keep a call; it is in the file when this returns."""
        self._calls.setdefault(key, {})[number] = call
        if self.folder is None:
            return
        try:
            line: dict[str, Any] = msgspec.to_builtins(call)
            with self._lock:
                self._file = self._file or self._opened(self.folder)
                self._file.write(msgspec.json.encode({"key": key, "number": number, **line}) + b"\n")
        except OSError as error:
            raise RunError(
                f"{self.folder}: paid calls cannot be kept ({error.strerror or error}); free some space and run again"
            ) from error

    def _opened(self, folder: Path) -> IO[bytes]:
        folder.mkdir(parents=True, exist_ok=True)
        name = f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}.jsonl"
        return (folder / name).open("xb", buffering=0)

    def _read(self, path: Path) -> None:
        decoder = msgspec.json.Decoder(_Line)
        try:
            with path.open("rb") as stream:
                for line in stream:
                    if line.endswith(b"\n"):  # the last line of a killed process is cut off
                        found = decoder.decode(line)
                        self._calls.setdefault(found.key, {})[found.number] = _call(found)
        except (OSError, msgspec.MsgspecError) as error:
            raise RunError(f"{path}: not a file of paid calls ({error}); move it out of {path.parent}") from error


def _call(line: _Line) -> Call:
    return Call(**{name: getattr(line, name) for name in Call.__struct_fields__})
