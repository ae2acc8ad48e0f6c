"""The duplicate search as a stage: several passes over the rows, which wait on disk, not in memory."""

from __future__ import annotations

import tempfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import IO

import msgspec
import numpy as np

from or1_data.dedup.clusters import Decision, star_clusters
from or1_data.dedup.join import Pairs, find_pairs
from or1_data.dedup.records import DedupRecord, record_of
from or1_data.dedup.same import Comparison
from or1_data.dedup.settings import DedupSettings
from or1_data.schema import Problem, problem_from_row, row_of
from or1_data.text.canonical import canonical_tokens
from or1_data.text.shingles import U64, Shingles, shingles_of_tokens
from or1_data.text.words import number_sequence

_BATCH = 2000
NOTE = "dedup"


def annotate_duplicates(
    problems: Iterable[Problem], settings: DedupSettings | None = None, *, comparison: Comparison | None = None
) -> Iterator[Problem]:
    """Each problem with the note `dedup`, where there is something to note.

    `duplicate_of` (id, source, similarity): an equal or similar row with the same answer stays in its place;
    `conflict`: rows with the same text and another answer; `variants`: similar rows with other answers, which stay.
    Which row stays never depends on the order of the input. `comparison` compares answers and tests; the default takes
    only answers that are typed alike as the same.
    """
    settings = settings or DedupSettings()
    with tempfile.TemporaryFile() as spool:
        shingles, numbers = joined(list(_spooled(problems, spool, settings.ngram)))
        pairs = find_pairs(shingles, settings, numbers=numbers)
        wanted = documents_in(pairs)
        records = {index: record_of(problem) for index, problem in enumerate(_read(spool)) if index in wanted}
        decisions = star_clusters(records, pairs, comparison or Comparison(), settings.priority)
        for index, problem in enumerate(_read(spool)):
            yield problem.with_note(NOTE, note_of(decisions.get(index), records))


def documents_in(pairs: Pairs) -> set[int]:
    """The documents that occur in pairs: only these are decided on."""
    return set(pairs.first.tolist()) | set(pairs.second.tolist())


def note_of(decision: Decision | None, records: dict[int, DedupRecord]) -> dict[str, object] | None:
    """A decision in the words of the row format; None where there is nothing to say."""
    if decision is None:
        return None
    if decision.duplicate_of >= 0:
        other = records[decision.duplicate_of]
        return {"duplicate_of": other.id, "source": other.source, "similarity": round(decision.similarity, 4)}
    note: dict[str, object] = {}
    if decision.conflicts:
        note["conflict"] = [
            {"source": records[i].source, "answers": list(records[i].answers)} for i in decision.conflicts[:8]
        ]
    if decision.copies:
        note["copies"] = decision.copies
    if decision.variants:
        note["variants"] = decision.variants
    return note or None


def shingles_and_numbers(texts: Iterable[str], ngram: int) -> tuple[Shingles, U64]:
    """The shingles of statements, and a hash of the numbers of each in order: near copies agree in their numbers."""
    hashes: list[int] = []

    def tokens() -> Iterator[list[str]]:
        for text in texts:
            found = canonical_tokens(text)
            hashes.append(zlib.crc32(" ".join(number_sequence(found)).encode()))
            yield found

    shingles = shingles_of_tokens(tokens(), ngram)
    return shingles, np.array(hashes, np.uint64)


def joined(parts: Sequence[tuple[Shingles, U64]]) -> tuple[Shingles, U64]:
    """The shingles and number hashes of several parts as those of one set."""
    lengths = np.concatenate([np.zeros(1, np.int64), *(np.diff(part.offsets) for part, _ in parts)])
    values = [part.values for part, _ in parts] or [np.zeros(0, np.uint32)]
    numbers = [hashes for _, hashes in parts] or [np.zeros(0, np.uint64)]
    return Shingles(np.concatenate(values), np.cumsum(lengths)), np.concatenate(numbers)


def _spooled(problems: Iterable[Problem], spool: IO[bytes], ngram: int) -> Iterator[tuple[Shingles, U64]]:
    rows, encoder = iter(problems), msgspec.json.Encoder()
    while batch := list(islice(rows, _BATCH)):
        spool.writelines(encoder.encode(row_of(problem)) + b"\n" for problem in batch)
        yield shingles_and_numbers((problem.statement for problem in batch), ngram)


def _read(spool: IO[bytes]) -> Iterator[Problem]:
    spool.seek(0)
    for line in spool:
        yield problem_from_row(msgspec.json.decode(line))
