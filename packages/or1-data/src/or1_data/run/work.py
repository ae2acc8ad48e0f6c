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
from or1_data.difficulty.estimate import Sampler, estimate_difficulty
from or1_data.difficulty.sampler import EndpointSampler
from or1_data.errors import ConfigError
from or1_data.judge.stage import annotate_votes
from or1_data.rules.stage import annotate_rules
from or1_data.run.guard import recounted
from or1_data.run.parts import Part, key_of, read_part
from or1_data.run.recipe import Recipe, SamplingSettings
from or1_data.run.steps import make_part, step_rows
from or1_data.schema import Problem
from or1_data.select.reasons import SelectSettings, reasons
from or1_data.verifying import load_object, load_verifier

Transform = Callable[[Iterator[Problem]], Iterator[Problem]]
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class StageSpec:
    """A row stage as data: its name, the recipe, and (for decontamination) the benchmark files found."""

    name: str
    recipe: Recipe
    benchmarks: tuple[str, ...] = ()

    @property
    def heavy(self) -> bool:
        """Whether each row costs model calls: then rows with a reason to be dropped are passed by."""
        return self.name in ("difficulty", "judge")


@lru_cache(maxsize=2)
def _built(name: str, settings: bytes, benchmarks: tuple[str, ...]) -> Transform:
    recipe = msgspec.json.decode(settings, type=Recipe)
    return _BUILDERS[name](recipe, benchmarks)


def build(spec: StageSpec) -> Transform:
    """The stage's function, made once per process."""
    return _built(spec.name, msgspec.json.encode(spec.recipe), spec.benchmarks)


def work(spec: StageSpec, source: Part, target: Part) -> dict[str, Any]:
    """Make `target` from `source`; returns its counts."""
    rows = step_rows(spec.recipe.chunk_rows, heavy=spec.heavy)
    make = partial(_heavy, spec) if spec.heavy else partial(_light, spec)
    return make_part(spec.name, source, target, make, rows, spec.recipe.select)


def _light(spec: StageSpec, problems: Sequence[Problem]) -> Sequence[Problem]:
    return list(build(spec)(iter(problems)))


def _heavy(spec: StageSpec, problems: Sequence[Problem]) -> Sequence[Problem]:
    """Rows that are already condemned pass by and cost nothing."""
    condemned = [bool(reasons(problem, before(spec.recipe))) for problem in problems]
    asked = [problem for problem, out in zip(problems, condemned, strict=True) if not out]
    answered = build(spec)(iter(asked))
    return [problem if out else next(answered) for problem, out in zip(problems, condemned, strict=True)]


def before(recipe: Recipe) -> SelectSettings:
    """The selection without what the heavy stages themselves find out."""
    return msgspec.structs.replace(recipe.select, model="", min_votes=0)


def key_of_target(spec: StageSpec, fingerprint: str, source: Part) -> str:
    """The key of a part; heavy stages also depend on which rows are passed by, the others on no selection."""
    if not spec.heavy:
        return key_of(fingerprint, source.key)
    settings = before(spec.recipe)
    return key_of(fingerprint, source.key, [bool(reasons(problem, settings)) for problem in read_part(source)])


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
    if workers == 1 or spec.heavy or len(missing) < 2:
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


def _difficulty(recipe: Recipe, benchmarks: tuple[str, ...]) -> Transform:
    settings = recipe.difficulty
    if settings is None:
        raise ConfigError("the recipe has no [difficulty]")
    verifier, sampler = load_verifier(settings.verifier), make_sampler(settings, recipe.seed)
    return lambda problems: estimate_difficulty(problems, sampler, verifier, settings)


def make_sampler(settings: SamplingSettings, seed: int) -> Sampler:
    """The sampler that the settings name: a factory of the user's, or an endpoint.

    Raises:
        ConfigError: neither is given.
    """
    if settings.sampler:
        sampler: Sampler = load_object(settings.sampler, "sampler")()
        return sampler
    if settings.endpoint:
        return EndpointSampler(settings.endpoint, seed=seed)
    raise ConfigError(
        'difficulty needs [difficulty.endpoint] with url and model, or sampler = "package.module:factory"'
    )


def _judge(recipe: Recipe, benchmarks: tuple[str, ...]) -> Transform:
    settings = recipe.judge
    if settings is None:
        raise ConfigError("the recipe has no [judge]")
    return partial(annotate_votes, settings=settings)


_BUILDERS: dict[str, Callable[[Recipe, tuple[str, ...]], Transform]] = {
    "rules": _rules,
    "answers": _answers,
    "decontaminate": _decontaminate,
    "difficulty": _difficulty,
    "judge": _judge,
}
