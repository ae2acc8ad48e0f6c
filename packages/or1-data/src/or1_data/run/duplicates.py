"""The duplicate stage of a run.

Shingles per part and pairs per band are kept on disk, so a killed run goes on there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from or1_data.answers import by_verifier
from or1_data.dedup.same import Comparison
from or1_data.dedup.stage import decide_and_note, joined, shingles_and_numbers
from or1_data.run.guard import before_calls, count, recounted, rejected_before
from or1_data.run.parts import Part, key_of, part_of, read_part, read_parts, write_part, write_whole
from or1_data.run.recipe import Recipe
from or1_data.schema import Problem
from or1_data.select.reasons import reasons
from or1_data.text.shingles import U64, Shingles
from or1_data.verifying import load_verifier


def run_duplicates(
    recipe: Recipe,
    sources: Sequence[Part],
    folder: Path,
    fingerprint: str,
    done: Callable[[Part, dict[str, Any], bool], None],
) -> list[Part]:
    """The parts with the note `dedup`; every part's key depends on all input, for so does every decision.

    Which copy stays also depends on which rows are rejected already, so that is part of the key; settings are not.
    """
    rejected = [rejected_before(source, recipe.select) for source in sources]
    everything = key_of(fingerprint, [source.key for source in sources], rejected)
    targets = [part_of(folder, number, key_of(everything, number)) for number in range(len(sources))]
    if not all(target.done for target in targets):
        rows = _noted(recipe, sources, folder, everything)
        for source, target in zip(sources, targets, strict=True):
            chunk = list(islice(rows, source.counts()["rows"]))
            if not target.done:
                write_part(target, chunk, count(chunk, "dedup", recipe.select))
                done(target, target.counts(), False)
            else:
                done(target, recounted(target, "dedup", recipe.select), True)
    else:
        for target in targets:
            done(target, recounted(target, "dedup", recipe.select), True)
    _clean(folder, everything, sources)
    return targets


def _noted(recipe: Recipe, sources: Sequence[Part], folder: Path, everything: str) -> Iterator[Problem]:
    shingles, numbers = joined([_shingles(source, folder, recipe.dedup.ngram) for source in sources])
    comparison = by_verifier(load_verifier(recipe.answers.verifier)) if recipe.answers else Comparison()

    def memo(name: str, work: Callable[[], U64]) -> U64:
        return _kept(folder / f"pairs-{everything}-{name}.npy", work)

    settings = before_calls(recipe.select)

    def already_rejected(problem: Problem) -> bool:
        return bool(reasons(problem, settings))

    return decide_and_note(
        lambda: read_parts(sources), shingles, numbers, recipe.dedup, comparison, memo, already_rejected
    )


def _shingles(source: Part, folder: Path, ngram: int) -> tuple[Shingles, U64]:
    paths = [folder / f"shingles-{source.key}-{ngram}-{name}.npy" for name in ("offsets", "values", "numbers")]
    if not all(path.exists() for path in paths):
        made, numbers = shingles_and_numbers((problem.statement for problem in read_part(source)), ngram)
        _save(paths[0], made.offsets)
        _save(paths[1], made.values)
        _save(paths[2], numbers)
    return Shingles(np.load(paths[1], mmap_mode="r"), np.load(paths[0])), np.load(paths[2])


def _kept(path: Path, work: Callable[[], U64]) -> U64:
    if not path.exists():
        _save(path, work())
    kept: U64 = np.load(path, mmap_mode="r")
    return kept


def _save(path: Path, array: np.ndarray) -> None:

    buffer = io.BytesIO()
    np.save(buffer, array)
    write_whole(path, [buffer.getvalue()])


def _clean(folder: Path, everything: str, sources: Sequence[Part]) -> None:
    """Band files are of no more use; shingles are kept for the next settings."""
    for path in folder.glob("pairs-*"):
        path.unlink(missing_ok=True)
    keys = {source.key for source in sources}
    for path in folder.glob("shingles-*"):
        if path.name.split("-")[1] not in keys:
            path.unlink(missing_ok=True)
