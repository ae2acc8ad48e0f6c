"""The duplicate stage of a run: shingles, records and notes are made per part by the workers, decisions once.

What the workers make is kept on disk, as are the pairs of each band, so a killed run goes on there.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from or1_data.answers import by_verifier
from or1_data.dedup.clusters import star_clusters
from or1_data.dedup.join import find_pairs
from or1_data.dedup.minhash import band_keys
from or1_data.dedup.records import DedupRecord, record_of
from or1_data.dedup.same import Comparison
from or1_data.dedup.settings import DedupSettings
from or1_data.dedup.stage import NOTE, documents_in, joined, note_of, shingles_and_numbers
from or1_data.run.engines import Engine, in_order
from or1_data.run.guard import before_calls, count, recounted, rejected_before
from or1_data.run.parts import Part, key_of, part_of, read_part, write_part, write_whole
from or1_data.run.recipe import Recipe
from or1_data.select.reasons import SelectSettings, reasons
from or1_data.text.shingles import U64, Shingles
from or1_data.verifying import load_verifier

Note = dict[str, object]


def run_duplicates(
    engine: Engine,
    recipe: Recipe,
    sources: Sequence[Part],
    folder: Path,
    fingerprint: str,
    done: Callable[[Part, dict[str, Any], bool], None],
) -> list[Part]:
    """The parts with the note `dedup`; every part's key depends on all input, for so does every decision.

    Which copy stays also depends on which rows are rejected already, so that is part of the key; settings are not.
    """
    rejected = in_order(engine, partial(rejected_before, settings=recipe.select), sources)
    everything = key_of(fingerprint, [source.key for source in sources], rejected)
    targets = [part_of(folder, number, key_of(everything, number)) for number in range(len(sources))]
    for target in targets:
        if target.done:
            done(target, recounted(target, "dedup", recipe.select), True)
    if missing := [number for number, target in enumerate(targets) if not target.done]:
        notes = _decided(engine, recipe, sources, folder, everything)
        write = partial(_write_noted, settings=recipe.select)
        tasks = [(sources[number], targets[number], notes[number]) for number in missing]
        for number, counts in engine.map(write, tasks):
            done(tasks[number][1], counts, False)
    _clean(folder, everything, sources)
    return targets


def _decided(
    engine: Engine, recipe: Recipe, sources: Sequence[Part], folder: Path, everything: str
) -> list[dict[int, Note]]:
    """For each part: row in it -> note."""
    settings = recipe.dedup
    files = in_order(engine, partial(_shingled, folder=folder, settings=settings), sources)
    shingles, numbers = joined([_loaded(paths) for paths in files])
    starts = np.cumsum([0, *(source.counts()["rows"] for source in sources)])

    def keys(band: int) -> U64:
        return np.concatenate([np.load(paths[-1], mmap_mode="r")[band] for paths in files])

    def memo(name: str, work: Callable[[], U64]) -> U64:
        return _kept(folder / f"pairs-{everything}-{name}.npy", work)

    pairs = find_pairs(shingles, settings, memo, numbers, keys)
    wanted = np.array(sorted(documents_in(pairs)), dtype=np.int64)
    own = np.split(wanted, np.searchsorted(wanted, starts[1:-1]))
    tasks = [(source, (rows - start).tolist()) for source, rows, start in zip(sources, own, starts, strict=False)]
    found = in_order(engine, partial(_records, settings=before_calls(recipe.select)), tasks)
    records = dict(zip(wanted.tolist(), (record for part in found for record in part), strict=True))
    comparison = by_verifier(load_verifier(recipe.answers.verifier)) if recipe.answers else Comparison()
    decisions = star_clusters(records, pairs, comparison, settings.priority)
    notes = {document: note for document in decisions if (note := note_of(decisions[document], records))}
    return [
        {int(document - start): notes[document] for document in rows.tolist() if document in notes}
        for rows, start in zip(own, starts, strict=False)
    ]


def _shingled(source: Part, folder: Path, settings: DedupSettings) -> list[Path]:
    """Offsets, values and number hashes of a part's statements, and their band keys; made unless they are there."""
    stem = f"shingles-{source.key}-{settings.ngram}"
    names = [f"{stem}-{name}.npy" for name in ("offsets", "values", "numbers")]
    paths = [folder / name for name in (*names, f"{stem}-keys-{settings.bands}-{settings.rows}.npy")]
    if not all(path.exists() for path in paths):
        shingles, numbers = shingles_and_numbers((problem.statement for problem in read_part(source)), settings.ngram)
        keys = band_keys(shingles, 0 if settings.exact else settings.bands, settings.rows)
        arrays: tuple[np.ndarray, ...] = (shingles.offsets, shingles.values, numbers, keys)
        for path, array in zip(paths, arrays, strict=True):
            _save(path, array)
    return paths


def _loaded(paths: Sequence[Path]) -> tuple[Shingles, U64]:
    return Shingles(np.load(paths[1], mmap_mode="r"), np.load(paths[0])), np.load(paths[2])


def _records(task: tuple[Part, Sequence[int]], settings: SelectSettings) -> list[DedupRecord]:
    """What is needed to decide on some rows of a part, given in ascending order."""
    source, rows = task
    wanted = set(rows)
    problems = (problem for row, problem in enumerate(read_part(source)) if row in wanted) if rows else ()
    return [record_of(problem, already_rejected=bool(reasons(problem, settings))) for problem in problems]


def _write_noted(task: tuple[Part, Part, dict[int, Note]], settings: SelectSettings) -> dict[str, Any]:
    source, target, notes = task
    noted = [problem.with_note(NOTE, notes.get(row)) for row, problem in enumerate(read_part(source))]
    counts = count(noted, "dedup", settings)
    write_part(target, noted, counts)
    return counts


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
