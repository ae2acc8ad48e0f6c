"""The rows of a stage that calls a model: which of them are asked about, and by what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from or1_data.calls import CallStore, ChatModel
from or1_data.calls.servers import ServedModel
from or1_data.difficulty.estimate import Sampler, estimate_difficulty
from or1_data.errors import ConfigError
from or1_data.judge.stage import annotate_votes
from or1_data.run.guard import before_calls
from or1_data.run.recipe import Recipe, SamplingSettings
from or1_data.schema import Problem
from or1_data.select.reasons import reasons
from or1_data.verifying import load_object, load_verifier


def passes_by(problem: Problem, recipe: Recipe) -> bool:
    """Whether a row is rejected already and costs nothing."""
    return bool(reasons(problem, before_calls(recipe.select)))


def annotated_by_model(name: str, recipe: Recipe, problems: Iterable[Problem], calls: CallStore) -> Iterator[Problem]:
    """The rows with what the models of a stage say, through the store of calls."""
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
