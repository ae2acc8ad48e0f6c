"""Decontamination as a stage: every overlap is noted with its scores and both texts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, Final

from or1_data.decontaminate.index import BenchmarkIndex, Item, build_index
from or1_data.decontaminate.match import DecontaminateSettings, Match, Matcher
from or1_data.errors import SchemaError, SourceError
from or1_data.schema import Problem
from or1_data.sources.read import default_name, read_source

NOTE: Final = "decontaminate"
_BATCH: Final = 512
_SHOWN_CHARS: Final = 1000


def benchmark_items(files: Sequence[str | Path], names: Mapping[str, str] | None = None) -> Iterator[Item]:
    """The items of benchmark files (any that `read_source` reads); a file's name is the benchmark's, unless given.

    Raises:
        SourceError: a row of a benchmark that cannot be read, or a file without rows: overlaps would go unseen.
    """
    for file in files:
        name = (names or {}).get(str(file)) or default_name(file)
        number = 0
        for number, problem in enumerate(read_source(file, set_aside=_refuse), start=1):
            yield Item(name, f"{Path(file).name}#{number}", problem.statement, problem.ability, problem.ground_truth)
        if not number:
            raise SourceError(f"{file}: the benchmark has no rows, so nothing can be compared with it")


def _refuse(error: SchemaError) -> None:
    raise SourceError(f"{error} (a benchmark row that cannot be read cannot be found in the data; repair or remove it)")


def annotate_contamination(
    problems: Iterable[Problem], index: BenchmarkIndex, settings: DecontaminateSettings | None = None
) -> Iterator[Problem]:
    """Each problem with the note `decontaminate` (class, score, benchmark, evidence) where it overlaps an item."""
    matcher, rows = Matcher(index, settings), iter(problems)
    while batch := list(islice(rows, _BATCH)):
        matches = matcher.match([p.statement for p in batch], [p.ground_truth for p in batch])
        for problem, match in zip(batch, matches, strict=True):
            yield problem.with_note(NOTE, note_of(match, problem, index))


def note_of(match: Match | None, problem: Problem, index: BenchmarkIndex) -> dict[str, Any] | None:
    """A match in the words of the row format, with the two texts side by side where the benchmark's is known."""
    if match is None:
        return None
    item = index.items[match.item]
    scores = {
        name: round(getattr(match, name), 3)
        for name in ("contained", "containing", "masked", "words", "numbers", "tests")
    }
    return {
        "class": match.kind,
        "score": round(match.score, 3),
        "benchmark": item.benchmark,
        "item": item.reference,
        "scores": scores,
        "evidence": {"row": problem.statement[:_SHOWN_CHARS], "item": item.text[:_SHOWN_CHARS]},
    }


__all__ = ["annotate_contamination", "benchmark_items", "build_index", "note_of"]
