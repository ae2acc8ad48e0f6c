"""The steps of a part: what is done of it is kept, so that a kill costs little, however many workers there are.

A part of `chunk_rows` rows is made in steps of a sixteenth of that. Killed with W workers, a run makes at most W steps
again: no more than one chunk for sixteen workers.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, Final

from or1_data.run.guard import add, count, recounted
from or1_data.run.parts import Part, read_part, write_part, write_whole
from or1_data.schema import Problem
from or1_data.select.reasons import SelectSettings

Make = Callable[[Sequence[Problem]], Sequence[Problem]]
_STEPS: Final = 16


def step_rows(chunk_rows: int) -> int:
    """Rows per step."""
    return max(1, chunk_rows // _STEPS)


def make_part(stage: str, source: Part, target: Part, make: Make, rows: int, select: SelectSettings) -> dict[str, Any]:
    """Make `target` from `source` with `make`, `rows` rows at a time; returns its counts."""
    steps = list(_steps(stage, source, target, make, rows, select))
    counts = _together(stage, steps, select)
    write_whole(target.path, (step.path.read_bytes() for step in steps))
    write_whole(target.counts_path, [json.dumps(counts, ensure_ascii=False).encode()])
    for step in steps:
        step.counts_path.unlink()
        step.path.unlink()
    return counts


def _steps(stage: str, source: Part, target: Part, make: Make, rows: int, select: SelectSettings) -> Iterator[Part]:
    """The steps in order, each made unless it is there."""
    problems = read_part(source)
    number = 0
    while chunk := list(islice(problems, rows)):
        step = Part(target.path.with_name(f"{target.path.stem}.step-{rows}-{number:04d}.jsonl"), target.key)
        if not step.done:
            made = make(chunk)
            write_part(step, made, count(made, stage, select))
        yield step
        number += 1


def _together(stage: str, steps: Sequence[Part], select: SelectSettings) -> dict[str, Any]:
    counts = [recounted(step, stage, select) for step in steps]
    if not counts:
        return count([], stage, select)
    sources = {source: dict(counter) for source, counter in add(counts).items()}
    return {"rows": sum(part["rows"] for part in counts), "sources": sources, "select": counts[0]["select"]}
