"""Index of the sampled rollouts of a run: found by problem, verdict, advantage, length or text, page by page.

The index has what can be filtered by and the place of each line; texts are read from the files when they are shown or
searched. A file that changed is read again. Nothing in the files raises: a damaged line is left out and reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.rollout_log import RolloutRecord, rollout_files
from or1_trainer.watch.points import MOST_MESSAGES
from or1_trainer.watch.query import Entry, Head, Query, passes

T = TypeVar("T")


class _Text(msgspec.Struct, frozen=True):
    """What a search for text looks at."""

    prompt: str
    response: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Rollouts that pass the filters, the newest step first; `total` counts those on other pages too."""

    total: int
    rows: list[tuple[Entry, RolloutRecord]]


@dataclass(slots=True, eq=False)
class _File:
    """One step's file: its state on the disk when it was read, its entries and its damage."""

    path: Path
    stamp: tuple[int, int]
    entries: list[Entry] = field(default_factory=list)
    damage: str = ""


_HEAD = msgspec.json.Decoder(Head)
_TEXT = msgspec.json.Decoder(_Text)
_RECORD = msgspec.json.Decoder(RolloutRecord)


class RolloutIndex:
    """The rollouts of one run, as far as the files go; call `refresh` to see new ones."""

    def __init__(self, run_dir: Path) -> None:
        """Index nothing yet."""
        self._run_dir = run_dir
        self._files: dict[int, _File] = {}
        self._error = ""
        self._last: tuple[Query, list[Entry]] | None = None
        """What passed the last filters: the next question is often for another page of it."""

    def refresh(self) -> None:
        """Read files that are new or were replaced, and forget those that are gone."""
        try:
            found = dict(rollout_files(self._run_dir))
            self._error = ""
        except RunFolderError as error:
            self._error, found = str(error), {}
        files = {step: self._current(step, path) for step, path in sorted(found.items())}
        if files != self._files:
            self._files, self._last = files, None

    def __len__(self) -> int:
        return sum(len(file.entries) for file in self._files.values())

    @property
    def messages(self) -> list[str]:
        """What is damaged, for people; the first few."""
        damaged = [file.damage for file in self._files.values() if file.damage]
        return [text for text in (self._error, *damaged) if text][:MOST_MESSAGES]

    @property
    def statuses(self) -> list[str]:
        """All verdicts that occur."""
        return sorted({entry.head.status for entry in self._entries()})

    def search(self, query: Query) -> Page:
        """Return one page of what passes all filters."""
        found = self._all_passing(replace(query, offset=0, limit=0))
        shown = found[query.offset : query.offset + query.limit]
        return Page(total=len(found), rows=[(entry, record) for entry in shown if (record := self._read(entry))])

    def record(self, step: int, number: int) -> RolloutRecord | None:
        """Return one rollout, or None where there is none."""
        entries = self._files[step].entries if step in self._files else ()
        return next((self._read(entry) for entry in entries if entry.number == number), None)

    def of_problem(self, problem: str, near: int) -> list[tuple[Entry, RolloutRecord]]:
        """Return the responses to a problem at the step nearest to `near` that has any."""
        entries = [entry for entry in self._entries() if entry.head.problem_id == problem]
        nearest = min((entry.step for entry in entries), key=lambda step: (abs(step - near), step), default=None)
        return [(entry, record) for entry in entries if entry.step == nearest and (record := self._read(entry))]

    def _entries(self) -> Iterator[Entry]:
        """All rollouts, the oldest step first."""
        return (entry for file in self._files.values() for entry in file.entries)

    def _current(self, step: int, path: Path) -> _File:
        try:
            status = path.stat()
        except OSError as error:  # removed by a resume in this moment
            return _File(path, (0, 0), damage=f"{path} cannot be read: {error.strerror}")
        stamp, known = (status.st_mtime_ns, status.st_size), self._files.get(step)
        return known if known is not None and known.stamp == stamp else _indexed(step, path, stamp)

    def _all_passing(self, query: Query) -> list[Entry]:
        if self._last is None or self._last[0] != query:
            entries = [entry for file in reversed(self._files.values()) for entry in self._passing(file, query)]
            self._last = query, entries
        return self._last[1]

    def _passing(self, file: _File, query: Query) -> Iterator[Entry]:
        passing = [entry for entry in file.entries if passes(entry, query)]
        if not query.text or not passing:
            return iter(passing)
        lines = _lines(file.path)
        texts = ((entry, _decoded(_TEXT, lines, entry)) for entry in passing)
        return (entry for entry, t in texts if t and (query.text in t.response or query.text in t.prompt))

    def _read(self, entry: Entry) -> RolloutRecord | None:
        return _decoded(_RECORD, _lines(self._files[entry.step].path), entry)


def _indexed(step: int, path: Path, stamp: tuple[int, int]) -> _File:
    file = _File(path, stamp)
    for number, line in enumerate(_lines(path)):
        try:
            file.entries.append(Entry(step, number, _HEAD.decode(line)))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            file.damage = f"{path}:{number + 1}: not a rollout record ({error}); left out"
    return file


def _lines(path: Path) -> list[bytes]:
    try:
        return path.read_bytes().splitlines()
    except OSError:  # removed by a resume in this moment
        return []


def _decoded(decoder: msgspec.json.Decoder[T], lines: Sequence[bytes], entry: Entry) -> T | None:
    """The line of an entry, or None where the file has changed under the index."""
    try:
        return decoder.decode(lines[entry.number])
    except (IndexError, msgspec.DecodeError, UnicodeDecodeError):
        return None
