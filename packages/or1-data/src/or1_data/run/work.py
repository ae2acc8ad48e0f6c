"""Row stages: what one worker does with one part, and the pool of workers.

A `StageSpec` travels to worker processes as plain data and is built there, once per process.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import msgspec

from or1_data.answers import annotate_answers
from or1_data.decontaminate.stage import annotate_contamination, benchmark_items, build_index
from or1_data.errors import ConfigError
from or1_data.rules.stage import annotate_rules
from or1_data.run.guard import recounted
from or1_data.run.parts import Part
from or1_data.run.recipe import Recipe
from or1_data.run.steps import make_part, step_rows
from or1_data.schema import Problem
from or1_data.verifying import load_verifier

Transform = Callable[[Iterator[Problem]], Iterator[Problem]]
_PR_SET_PDEATHSIG = 1


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


def work(spec: StageSpec, source: Part, target: Part) -> dict[str, Any]:
    """Make `target` from `source`; returns its counts."""
    rows = step_rows(spec.recipe.chunk_rows)
    return make_part(spec.name, source, target, lambda chunk: list(build(spec)(iter(chunk))), rows, spec.recipe.select)


def run_parts(
    spec: StageSpec,
    pairs: Sequence[tuple[Part, Part]],
    workers: int,
    done: Callable[[Part, dict[str, Any], bool], None],
) -> None:
    """Make all targets; `done(part, counts, resumed)` is called for each, in any order."""
    missing = [(source, target) for source, target in pairs if not target.done]
    for _, target in pairs:
        if target.done:
            done(target, recounted(target, spec.name, spec.recipe.select), True)
    if workers == 1 or len(missing) < 2:
        for source, target in missing:
            done(target, work(spec, source, target), False)
        return
    context = multiprocessing.get_context("spawn")
    size = min(workers, len(missing))
    with ProcessPoolExecutor(size, context, initializer=_die_with_parent, initargs=(os.getpid(),)) as pool:
        futures: dict[Future[dict[str, Any]], Part] = {pool.submit(work, spec, *pair): pair[1] for pair in missing}
        try:
            for future in as_completed(futures):
                done(futures[future], future.result(), False)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _die_with_parent(parent: int) -> None:
    """A worker whose parent was killed must not go on writing parts of a run that another one takes over."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # killed while this worker was starting: no signal comes any more
        os._exit(1)


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
