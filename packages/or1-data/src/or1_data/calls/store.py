"""The store of paid calls: each attempt and each vote by what decided it, so that no other run asks for it again.

A store is a folder of JSON lines. Every process that makes calls appends to a file of its own, and reads those of all
others: runs and machines share a folder without locks, and a killed one loses at most the line it was writing. Nothing
in it is ever removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from or1_data.calls.index import CallIndex, Entry
from or1_data.errors import RunError

_KEY_BYTES: Final = 12
_LOOK_AGAIN_S: Final = 10.0
"""So often at most the files are looked at for what other processes have paid meanwhile."""


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


class _Name(msgspec.Struct, frozen=True):
    """What a line begins with."""

    key: str
    number: int


_CALL: Final = msgspec.json.Decoder(Call)
_NAME: Final = msgspec.json.Decoder(_Name)


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
        self._index = CallIndex()
        self._read_bytes: dict[Path, int] = {}
        self._looked_s = 0.0
        self._file: IO[bytes] | None = None
        self._lock = threading.Lock()
        self._look()

    def __enter__(self) -> CallStore:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._index.close()

    def get(self, key: str, number: int) -> Call | None:
        """The call with this key and number, if it was made, by this process or another one."""
        name = bytes.fromhex(key)
        line = self._index.get(name, number)
        if line is None and self.folder is not None and time.monotonic() - self._looked_s > _LOOK_AGAIN_S:
            self._look()
            line = self._index.get(name, number)
        return None if line is None else _CALL.decode(line)

    def put(self, key: str, number: int, call: Call) -> None:
        """Keep a call; it is in the file when this returns."""
        named: dict[str, Any] = {"key": key, "number": number, **msgspec.to_builtins(call)}
        line = msgspec.json.encode(named)
        if self.folder is not None:
            self._write(self.folder, line + b"\n")
        self._index.add((bytes.fromhex(key), number, line))

    def _write(self, folder: Path, line: bytes) -> None:
        try:
            with self._lock:
                self._file = self._file or self._opened(folder)
                self._file.write(line)
        except OSError as error:
            raise RunError(
                f"{folder}: paid calls cannot be kept ({error.strerror or error}); free some space and run again"
            ) from error

    def _opened(self, folder: Path) -> IO[bytes]:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{socket.gethostname()}-{os.getpid()}-{time.time_ns()}.jsonl"
        self._read_bytes[path] = -1  # our own
        return path.open("xb", buffering=0)

    def _look(self) -> None:
        """Take over what the files have beyond what was read of them, the oldest file first."""
        self._looked_s = time.monotonic()
        paths = [] if self.folder is None else self.folder.glob("*.jsonl")
        self._index.fill(entry for path in sorted(paths, key=_begun) for entry in self._entries(path))

    def _entries(self, path: Path) -> Iterator[Entry]:
        begin = self._read_bytes.get(path, 0)
        if begin < 0:
            return
        try:
            with path.open("rb") as stream:
                stream.seek(begin)
                for line in stream:
                    if not line.endswith(b"\n"):  # being written, or the last one of a killed process
                        break
                    name = _NAME.decode(line)
                    yield bytes.fromhex(name.key), name.number, line
                    begin += len(line)
        except (OSError, ValueError) as error:  # no JSON, other JSON, a key that is none
            raise RunError(f"{path}: not a file of paid calls ({error}); move it out of {path.parent}") from error
        finally:
            self._read_bytes[path] = begin


def _begun(path: Path) -> tuple[str, Path]:
    """When a file was begun: of two lines about one call, the later one has what the verifier said in the end."""
    return path.stem.rsplit("-", 1)[-1].zfill(20), path
