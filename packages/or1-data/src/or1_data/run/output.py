"""The end of a run: one selection, then files for training, and everything dropped beside its reasons."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from or1_data.errors import RunError
from or1_data.io.parquet import Columns
from or1_data.io.problems import read_problems, write_problems
from or1_data.run.parts import Part, read_parts, write_whole
from or1_data.run.recipe import Recipe
from or1_data.run.scale import Scale, with_scale
from or1_data.run.summary import Summary
from or1_data.schema import Problem, row_of
from or1_data.select.mixing import mix, split
from or1_data.select.reasons import reasons


def select(recipe: Recipe, parts: Sequence[Part], scale: Scale, out: Path, summary: Summary) -> dict[str, int]:
    """Write the kept rows and `dropped.jsonl`; returns the rows of each file written."""
    try:
        with (out / ".dropped.partial").open("w", encoding="utf-8") as dropped:
            kept = _kept(recipe, parts, scale, dropped, summary)
            files = _write(recipe, kept, out)
        (out / ".dropped.partial").replace(out / "dropped.jsonl")
    except OSError as error:
        raise RunError(
            f"{out}: cannot be written ({error.strerror or error}); free some space and run again"
        ) from error
    finally:
        for partial in out.glob(".*.partial"):
            partial.unlink(missing_ok=True)
    return files


def remove_files_of_earlier_run(out: Path, files: Mapping[str, int]) -> None:
    """Remove what the manifest of the run before names and this one does not: it belongs to other settings."""
    manifest = out / "manifest.json"
    if manifest.exists():
        with suppress(ValueError, AttributeError):
            for name in json.loads(manifest.read_bytes()).get("files", {}).keys() - files.keys():
                (out / Path(name).name).unlink(missing_ok=True)


def _kept(recipe: Recipe, parts: Sequence[Part], scale: Scale, dropped: Any, summary: Summary) -> Iterator[Problem]:
    for stored in read_parts(parts):
        problem = with_scale(stored, scale)
        found = reasons(problem, recipe.select)
        if not found and not list(mix([problem], recipe.mix, recipe.seed)):
            found = ["mix:thinned"]
        summary.add(problem, found)
        if found:
            dropped.write(json.dumps(_dropped_row(problem, found), ensure_ascii=False) + "\n")
        else:
            yield _trimmed(problem, recipe)


def _dropped_row(problem: Problem, found: list[str]) -> dict[str, Any]:
    return {
        "id": problem.id,
        "data_source": problem.data_source,
        "reasons": found,
        "statement": problem.statement[:2000],
        "ground_truth": problem.ground_truth[:300],
        "notes": dict(problem.notes),
    }


def without_evidence(problem: Problem) -> Problem:
    """Without the benchmark's text in the note on its overlap: training on it would be contamination by the report."""
    note = problem.notes.get("decontaminate")
    if not note:
        return problem
    return problem.with_note("decontaminate", {key: value for key, value in note.items() if key != "evidence"})


def _trimmed(problem: Problem, recipe: Recipe) -> Problem:
    """Without what training files must not carry: benchmark texts, and solutions unless wanted."""
    notes = without_evidence(problem).notes if recipe.output.notes else {}
    extra = dict(problem.extra_info)
    if not recipe.output.solutions:
        extra.pop("solutions", None)
    solution = problem.solution if recipe.output.solutions else ""
    return replace(problem, notes=notes, extra_info=extra, solution=solution)


def _write(recipe: Recipe, kept: Iterator[Problem], out: Path) -> dict[str, int]:
    """One pass over the rows into one jsonl per part of the split, then each of those as parquet."""
    names = list(recipe.split) or ["problems"]
    counts: Counter[str] = Counter()
    columns = Columns()
    with ExitStack() as stack:
        streams = {name: stack.enter_context((out / f".{name}.partial").open("wb")) for name in names}
        encoder = msgspec.json.Encoder()
        for problem in kept:
            name = split(problem.id, recipe.split, recipe.seed) if recipe.split else "problems"
            streams[name].write(encoder.encode(row_of(problem)) + b"\n")
            columns.add(problem)
            counts[name] += 1
    return {file: counts[name] for name in names for file in _finish(name, recipe.output.formats, out, columns)}


def _finish(name: str, formats: Sequence[str], out: Path, columns: Columns) -> Iterator[str]:
    jsonl = out / f"{name}.jsonl"
    (out / f".{name}.partial").replace(jsonl)
    if "parquet" in formats:
        write_problems(out / f"{name}.parquet", read_problems(jsonl), columns=columns)
        yield f"{name}.parquet"
    if "jsonl" in formats:
        yield jsonl.name
    else:
        jsonl.unlink()


def collect_set_aside(parts: Sequence[Part], out: Path) -> int:
    """All broken rows of the reading stage in one file; returns how many."""
    lines = [line for part in parts for line in part.path.with_suffix(".bad").read_bytes().splitlines(keepends=True)]
    write_whole(out / "set_aside.jsonl", lines)
    return len(lines)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Write one JSON object, indented for people."""
    write_whole(path, [json.dumps(value, indent=1, ensure_ascii=False, sort_keys=True).encode() + b"\n"])
