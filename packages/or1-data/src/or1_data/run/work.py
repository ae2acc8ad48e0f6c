"""Row stages: what one worker does with one part.

A `StageSpec` travels to worker processes as plain data and is built there, once per process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import msgspec

from or1_data.answers import annotate_answers
from or1_data.decontaminate.stage import annotate_contamination, benchmark_items, build_index
from or1_data.errors import ConfigError
from or1_data.rules.stage import annotate_rules
from or1_data.run.engines import Engine
from or1_data.run.guard import recounted
from or1_data.run.parts import Part
from or1_data.run.recipe import Recipe
from or1_data.run.steps import make_part, step_rows
from or1_data.schema import Problem
from or1_data.verifying import load_verifier

Transform = Callable[[Iterator[Problem]], Iterator[Problem]]


@dataclass(frozen=True)
class StageSpec:
    """A row stage as data: its name, the recipe, and (for decontamination) the benchmark files found."""

    name: str
    recipe: Recipe
    benchmarks: tuple[str, ...] = ()


@lru_cache(maxsize=2)
def _built(name: str, settings: bytes, benchmarks: tuple[str, ...]) -> Transform:
    recipe = msgspec.json.decode(settings, type=Recipe)
    return _BUILDERS[name](recipe, benchmarks)


def build(spec: StageSpec) -> Transform:
    """The stage's function, made once per process."""
    return _built(spec.name, msgspec.json.encode(spec.recipe), spec.benchmarks)


def work(task: tuple[StageSpec, Part, Part]) -> dict[str, Any]:
    """Make a target from its source; returns its counts."""
    spec, source, target = task
    rows = step_rows(spec.recipe.chunk_rows)
    return make_part(spec.name, source, target, lambda chunk: list(build(spec)(iter(chunk))), rows, spec.recipe.select)


def run_parts(
    engine: Engine,
    spec: StageSpec,
    pairs: Sequence[tuple[Part, Part]],
    done: Callable[[Part, dict[str, Any], bool], None],
) -> None:
    """Make all targets; `done(part, counts, resumed)` is called for each, in any order."""
    for _, target in pairs:
        if target.done:
            done(target, recounted(target, spec.name, spec.recipe.select), True)
    missing = [(spec, source, target) for source, target in pairs if not target.done]
    for number, counts in engine.map(work, missing):
        done(missing[number][2], counts, False)


def _rules(recipe: Recipe, benchmarks: tuple[str, ...]) -> Transform:
    return partial(annotate_rules, rules=recipe.rules.rules)


def _answers(recipe: Recipe, benchmarks: tuple[str, ...]) -> Transform:
    settings = recipe.answers
    if settings is None:
        raise ConfigError("the recipe has no [answers]")
    return partial(annotate_answers, verifier=load_verifier(settings.verifier))


def _decontaminate(recipe: Recipe, benchmarks: tuple[str, ...]) -> Transform:
    settings = recipe.decontaminate
    if settings is None:
        raise ConfigError("the recipe has no [decontaminate]")
    index = build_index(benchmark_items([Path(file) for file in benchmarks]))
    return partial(annotate_contamination, index=index, settings=settings.thresholds)


_BUILDERS: dict[str, Callable[[Recipe, tuple[str, ...]], Transform]] = {
    "rules": _rules,
    "answers": _answers,
    "decontaminate": _decontaminate,
}
