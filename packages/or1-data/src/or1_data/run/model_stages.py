"""The stages that call models: one queue over the rows of all parts that are missing.

Rows that are rejected already pass by and cost nothing. What is paid is in the store of calls and stays when parts
are made again.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from or1_data.calls import CallStore, ChatModel
from or1_data.calls.servers import ServedModel
from or1_data.difficulty.estimate import Sampler, estimate_difficulty
from or1_data.errors import ConfigError
from or1_data.judge.stage import annotate_votes
from or1_data.run.guard import before_calls, count, recounted, rejected_before
from or1_data.run.parts import Part, key_of, read_part, write_part
from or1_data.run.recipe import Recipe, SamplingSettings
from or1_data.schema import Problem
from or1_data.select.reasons import reasons
from or1_data.verifying import load_object, load_verifier

Done = Callable[[Part, dict[str, Any], bool], None]
CALLING: tuple[str, ...] = ("difficulty", "judge")


def target_key(recipe: Recipe, fingerprint: str, source: Part) -> str:
    """The key of a part: its rows, and which of them pass by because they are rejected already."""
    return key_of(fingerprint, source.key, rejected_before(source, recipe.select))


def run_calls(name: str, recipe: Recipe, pairs: Sequence[tuple[Part, Part]], store: Path, done: Done) -> None:
    """Make all targets of a stage that calls a model; each is written as soon as its last row is there."""
    for _, target in pairs:
        if target.done:
            done(target, recounted(target, name, recipe.select), True)
    missing = [(source, target) for source, target in pairs if not target.done]
    if not missing:
        return
    refused = 0
    with CallStore(store) as calls:
        asked = (row for source, _ in missing for row in read_part(source) if not _passes(row, recipe))
        answered = _annotated(name, recipe, asked, calls)
        for source, target in missing:
            made = [row if _passes(row, recipe) else next(answered) for row in read_part(source)]
            refused += sum(_was_refused(name, row) for row in made)
            write_part(target, made, count(made, name, recipe.select))
            done(target, target.counts(), False)
    if refused:
        print(f"{name}: {refused:,} prompts were refused by the server; each row's note says why", file=sys.stderr)


def _passes(problem: Problem, recipe: Recipe) -> bool:
    return bool(reasons(problem, before_calls(recipe.select)))


def _was_refused(name: str, problem: Problem) -> bool:
    note = problem.notes.get(name) or {}
    return bool(note.get("refused")) or any(isinstance(own, dict) and own.get("refused") for own in note.values())


def _annotated(name: str, recipe: Recipe, problems: Iterable[Problem], calls: CallStore) -> Iterator[Problem]:
    if name == "judge" and recipe.judge is not None:
        return annotate_votes(problems, recipe.judge, store=calls)
    settings = recipe.difficulty
    if name != "difficulty" or settings is None:
        raise ConfigError(f"the recipe has no [{name}]")
    verifier, model = load_verifier(settings.verifier), make_sampler(settings)
    sampled: Any = settings.endpoint.sampling if settings.endpoint and not settings.sampler else settings.sampler
    decisive = [settings.model, sampled, settings.verifier]
    return estimate_difficulty(problems, model, verifier, settings, store=calls, decisive=decisive, seed=recipe.seed)


def make_sampler(settings: SamplingSettings) -> Sampler | ChatModel:
    """The sampler that the settings name: a factory of the user's, or servers.

    Raises:
        ConfigError: neither is given.
    """
    if settings.sampler:
        sampler: Sampler | ChatModel = load_object(settings.sampler, "sampler")()
        return sampler
    if settings.endpoint:
        return ServedModel(settings.endpoint)
    raise ConfigError(
        'difficulty needs [difficulty.endpoint] with url and model, or sampler = "package.module:factory"'
    )
