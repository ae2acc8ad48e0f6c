"""The problems of one source of a recipe."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from or1_data import read_problems
from or1_data.errors import DataError
from or1_data.schema import Problem
from or1_data.sources.read import read_source as read_rows
from or1_data.templates import messages
from or1_trainer.config.schema import SourceSettings
from or1_trainer.errors import ConfigError
from or1_trainer.rewards.gym import gym_problems
from or1_trainer.train.prompts import PromptEncoder

ROW_FORMAT = "or1"
GYM_PROBLEMS = 1024
"""Of a task of reasoning-gym, where the recipe does not say how many."""


def read_source(source: SourceSettings, prompts: PromptEncoder) -> list[Problem]:
    """Its problems within its limits, each once. Raises `ConfigError` for what cannot be read, or if none is left."""
    try:
        found = {problem.id: problem for problem in _limited(_problems(source), source, prompts)}
    except (DataError, OSError) as error:
        raise ConfigError(f"source {source.label!r}: {error}") from error
    if not found:
        raise ConfigError(f"source {source.label!r} has no problems within its limits; see max_prompt_tokens")
    return list(found.values())


def _problems(source: SourceSettings) -> Iterable[Problem]:
    if source.gym:
        size = source.max_problems or GYM_PROBLEMS
        return gym_problems(source.gym, source.gym_settings, seed=source.seed, size=size)
    if source.adapter == ROW_FORMAT:
        return read_problems(source.path)
    return read_rows(source.path, source.adapter, name=source.label)


def _limited(problems: Iterable[Problem], source: SourceSettings, prompts: PromptEncoder) -> Iterable[Problem]:
    shown = (_with_template(problem, source.template) for problem in problems)
    most = source.max_prompt_tokens
    fitting = (problem for problem in shown if not most or len(prompts.ids(problem)) <= most)
    return islice(fitting, source.max_problems or None)


def _with_template(problem: Problem, template: str) -> Problem:
    return replace(problem, prompt=messages(problem.statement, template)) if template else problem
