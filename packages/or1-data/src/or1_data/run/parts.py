"""Part files: a stage's rows in chunks, each written whole or not at all, named by what they were made from.

A part's key is the hash of its input's key and of everything the stage depends on. A part that exists is done; so a
run killed at any moment goes on behind the last whole part, however many workers it had or has.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from or1_data.errors import RunError
from or1_data.schema import Problem, problem_from_row, row_of


@dataclass(frozen=True, slots=True)
class Part:
    """One chunk of a stage's output: rows in `path`, counts beside it."""

    path: Path
    key: str

    @property
    def counts_path(self) -> Path:
        """Where the part's counts are."""
        return self.path.with_suffix(".json")

    @property
    def done(self) -> bool:
        """Whether it is there, rows and counts."""
        return self.path.exists() and self.counts_path.exists()

    def counts(self) -> dict[str, Any]:
        """`{"rows": n, "sources": {source: {"rows": n, "flagged": n, reason: n}}}`."""
        counts: dict[str, Any] = json.loads(self.counts_path.read_bytes())
        return counts


def part_of(folder: Path, number: int, key: str) -> Part:
    """The part with this number and key."""
    return Part(folder / f"part-{number:05d}-{key}.jsonl", key)


def key_of(*parts: object) -> str:
    """16 hex digits over anything that JSON can say."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def read_part(part: Part) -> Iterator[Problem]:
    """The problems of a part.

    Raises:
        RunError: the file is damaged.
    """
    decoder = msgspec.json.Decoder()
    try:
        with part.path.open("rb") as stream:
            for line in stream:
                yield problem_from_row(decoder.decode(line))
    except (OSError, msgspec.MsgspecError) as error:
        raise RunError(
            f"{part.path}: cannot be read ({error}); delete it and run again; only this part is computed again"
        ) from error


def read_parts(parts: Sequence[Part]) -> Iterator[Problem]:
    """The problems of several parts, in order."""
    for part in parts:
        yield from read_part(part)


def write_part(part: Part, problems: Iterable[Problem], counts: dict[str, Any]) -> None:
    """Write rows, then counts, each through a temporary name; the counts come last and make the part done."""
    encoder = msgspec.json.Encoder()
    write_whole(part.path, (encoder.encode(row_of(problem)) + b"\n" for problem in problems))
    write_whole(part.counts_path, [json.dumps(counts, ensure_ascii=False).encode()])


def write_whole(path: Path, pieces: Iterable[bytes]) -> None:
    """Write a file through a temporary name, so that it is there whole or not at all.

    Raises:
        RunError: the disk refuses.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as stream:
            stream.writelines(pieces)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror or error}); free some space and run again"
        ) from error
    finally:
        partial.unlink(missing_ok=True)


def remove_stale(folder: Path, parts: Sequence[Part]) -> None:
    """Remove parts of earlier settings, and what a killed run left half-written."""
    wanted = {path for part in parts for path in (part.path, part.counts_path)}
    for path in folder.glob("part-*"):
        if path not in wanted:
            path.unlink(missing_ok=True)


def file_hash(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
