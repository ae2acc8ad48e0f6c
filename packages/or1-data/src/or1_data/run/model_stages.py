"""The stages that call models: one queue over the rows of all parts that are missing.

Rows that are rejected already pass by and cost nothing. What is paid is in the store of calls and stays when parts
are made again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from or1_data.calls import CallStore
from or1_data.run.engines import Engine, in_order
from or1_data.run.guard import count, recounted, rejected_before
from or1_data.run.model_rows import annotated_by_model, passes_by
from or1_data.run.parts import Part, key_of, part_of, read_part, write_part
from or1_data.run.paying import pay_on_machines
from or1_data.run.recipe import Recipe
from or1_data.schema import Problem

Done = Callable[[Part, dict[str, Any], bool], None]
CALLING: tuple[str, ...] = ("difficulty", "judge")


def run_calls(
    engine: Engine,
    name: str,
    recipe: Recipe,
    sources: Sequence[Part],
    folder: Path,
    fingerprint: str,
    store: Path,
    done: Done,
) -> list[Part]:
    """Make all targets of a stage that calls a model; each is written as soon as its last row is there.

    A part's key is of its rows, and of which of them pass by because they are rejected already. Several machines first
    pay for the calls, each for problems of its own; then all of them are in the store.
    """
    rejected = in_order(engine, partial(rejected_before, settings=recipe.select), sources)
    keys = [key_of(fingerprint, source.key, passing) for source, passing in zip(sources, rejected, strict=True)]
    targets = [part_of(folder, number, key) for number, key in enumerate(keys)]
    for target in targets:
        if target.done:
            done(target, recounted(target, name, recipe.select), True)
    missing = [(source, target) for source, target in zip(sources, targets, strict=True) if not target.done]
    refused: dict[str, str] = {}
    if missing and engine.machines > 1:
        refused = pay_on_machines(engine, name, recipe, [source for source, _ in missing], store)
    _run_missing(name, recipe, missing, store, refused, done)
    return targets


def _run_missing(
    name: str, recipe: Recipe, missing: Sequence[tuple[Part, Part]], store: Path, refused: dict[str, str], done: Done
) -> None:
    if not missing:
        return
    count_refused = 0
    with CallStore(store) as calls:
        calls.refused |= refused
        asked = (row for source, _ in missing for row in read_part(source) if not passes_by(row, recipe))
        answered = annotated_by_model(name, recipe, asked, calls)
        for source, target in missing:
            made = [row if passes_by(row, recipe) else next(answered) for row in read_part(source)]
            count_refused += sum(_was_refused(name, row) for row in made)
            write_part(target, made, count(made, name, recipe.select))
            done(target, target.counts(), False)
    if count_refused:
        print(
            f"{name}: {count_refused:,} prompts were refused by the server; each row's note says why", file=sys.stderr
        )


def _was_refused(name: str, problem: Problem) -> bool:
    note = problem.notes.get(name) or {}
    return bool(note.get("refused")) or any(isinstance(own, dict) and own.get("refused") for own in note.values())
