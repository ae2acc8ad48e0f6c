"""The problems of a run: generated, or read from problem files in the row format of or1-data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from typing import Final, Literal

from or1_data import read_problems
from or1_data.arithmetic import arithmetic_problems
from or1_data.errors import DataError
from or1_data.schema import Problem
from or1_data.sources.read import read_source as read_rows
from or1_data.templates import messages
from or1_trainer.config.schema import DataSettings, SamplerSettings, SourceSettings
from or1_trainer.errors import ConfigError
from or1_trainer.rewards.gym import HELDOUT, gym_problems
from or1_trainer.toy.lesson import family_of
from or1_trainer.toy.lettered import lettered_problems
from or1_trainer.toy.worded import worded_problems
from or1_trainer.train.dataset import ALL, Dataset
from or1_trainer.train.initial_policy import problems_in
from or1_trainer.train.prompts import PromptEncoder
from or1_trainer.train.sampler import solve_rate

Part = Literal["train", "heldout"]

HELDOUT_SEED: Final = 20_250_522
"""Of a task of reasoning-gym that is evaluated on: one that no source has unless it asks for it."""

GYM_TRAINING: Final = 1024
GYM_HELDOUT: Final = 64
"""Problems of a task, where the recipe does not say how many."""

ROW_FORMAT: Final = "or1"
"""The adapter of files that have the row format already."""


def load_problems(settings: DataSettings) -> tuple[list[Problem], list[Problem]]:
    """(training, held-out) of a recipe without sources; raises as `load_dataset`."""
    if not settings.train:
        make = _GENERATORS[settings.generated]
        return make(settings, "train"), make(settings, "heldout")
    heldout = _heldout(settings)
    return _read(settings.train), heldout


def load_dataset(settings: DataSettings, prompts: PromptEncoder) -> Dataset:
    """The problems of a run. Raises `ConfigError` naming file and line of a row that is broken."""
    if not settings.sources:
        train, heldout = load_problems(settings)
        return Dataset({ALL: _within(train, settings.sampler, "the training set")}, heldout)
    heldout = _heldout(settings)
    pools, taken = dict[str, list[Problem]](), {problem.id for problem in heldout}
    for source in settings.sources:
        where = f"source {source.label!r}"
        found = [problem for problem in _read_source(source, prompts, where) if problem.id not in taken]
        if not found:
            raise ConfigError(f"{where} has no problem that is not held out or in a source before it")
        taken |= {problem.id for problem in found}
        pools[source.label] = _within(found, settings.sampler, where)
    limits = {source.label: source.max_response_tokens for source in settings.sources if source.max_response_tokens}
    return Dataset(pools, heldout, limits)


def dataset_summary(dataset: Dataset) -> dict[str, dict[str, int | str]]:
    """Number of problems and hash of their contents in this order, for `data.json` of the run folder."""
    sources = {f"source {name}": problems for name, problems in dataset.pools.items() if name}
    parts = {"train": dataset.train, "heldout": dataset.heldout, **sources}
    return {name: {"problems": len(problems), "sha256": _content_hash(problems)} for name, problems in parts.items()}


def _content_hash(problems: Sequence[Problem]) -> str:
    digest = hashlib.sha256()
    for problem in problems:
        turns = [(message["role"], message["content"]) for message in problem.prompt]
        digest.update(json.dumps([problem.id, turns, problem.ground_truth]).encode() + b"\n")
    return digest.hexdigest()[:16]


def _arithmetic(settings: DataSettings, part: Part) -> list[Problem]:
    made = settings.arithmetic
    count = made.train if part == "train" else made.heldout
    return list(arithmetic_problems(part, count, made.seed, family=family_of(made), template=settings.template))


def _lettered(settings: DataSettings, part: Part) -> list[Problem]:
    made = settings.lettered
    count = made.train if part == "train" else made.heldout
    return list(lettered_problems(part, count, made.seed, made, template=settings.template))


def _worded(settings: DataSettings, part: Part) -> list[Problem]:
    made = settings.worded
    count = made.train if part == "train" else made.heldout
    return list(
        worded_problems(part, count, made.seed, kinds=made.kinds, largest=made.largest, template=settings.template)
    )


_GENERATORS: Final = {"arithmetic": _arithmetic, "lettered": _lettered, "worded": _worded}


def _heldout(settings: DataSettings) -> list[Problem]:
    if not settings.heldout:
        raise ConfigError("data.heldout is empty: give at least one problem file to evaluate on")
    return _read(settings.heldout)


def _read(paths: Sequence[str]) -> list[Problem]:
    found: dict[str, Problem] = {}
    for path in paths:
        if path.startswith(HELDOUT):
            task = gym_problems(path.removeprefix(HELDOUT), {}, seed=HELDOUT_SEED, size=GYM_HELDOUT)
            found |= {problem.id: problem for problem in task}
        else:
            found |= {problem.id: problem for problem in problems_in(path)}
    if not found:
        raise ConfigError(f"no problems in {', '.join(paths)}")
    return list(found.values())


def _read_source(source: SourceSettings, prompts: PromptEncoder, where: str) -> list[Problem]:
    """Its problems within its limits, each once. Raises `ConfigError` for what cannot be read, or if none is left."""
    try:
        found = {problem.id: problem for problem in _limited(_rows(source), source, prompts)}
    except (DataError, OSError) as error:
        raise ConfigError(f"{where}: {error}") from error
    if not found:
        raise ConfigError(f"{where} has no problems within its limits; see max_prompt_tokens")
    return list(found.values())


def _rows(source: SourceSettings) -> Iterable[Problem]:
    if source.gym:
        size = source.max_problems or GYM_TRAINING
        return gym_problems(source.gym, source.gym_settings, seed=source.seed, size=size)
    if source.adapter == ROW_FORMAT:
        return read_problems(source.path)
    return read_rows(source.path, source.adapter, name=source.label)


def _limited(problems: Iterable[Problem], source: SourceSettings, prompts: PromptEncoder) -> Iterable[Problem]:
    template, most = source.template, source.max_prompt_tokens
    shown = (replace(one, prompt=messages(one.statement, template)) if template else one for one in problems)
    fitting = (problem for problem in shown if not most or len(prompts.ids(problem)) <= most)
    return islice(fitting, source.max_problems or None)


def _within(problems: Sequence[Problem], settings: SamplerSettings, where: str) -> list[Problem]:
    """The problems whose known solve rate the sampler accepts. Raises `ConfigError` where none is left."""
    if settings.kind != "difficulty" or (settings.least, settings.most) == (0.0, 1.0):
        return list(problems)
    rates = [solve_rate(problem, settings.model) for problem in problems]
    kept = [
        problem
        for problem, rate in zip(problems, rates, strict=True)
        if rate is not None and settings.least <= rate <= settings.most
    ]
    if not kept:
        raise ConfigError(
            f"{where} has no problem whose solve rate lies from data.sampler.least = {settings.least:g} to "
            f"most = {settings.most:g}; {sum(rate is not None for rate in rates)} of {len(rates)} rows have a "
            "model_difficulty"
        )
    return kept
