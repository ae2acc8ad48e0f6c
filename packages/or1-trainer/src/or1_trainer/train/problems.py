"""The problems of a run: generated, or read from problem files in the row format of or1-data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, Literal

from or1_data.arithmetic import arithmetic_problems
from or1_data.schema import Problem
from or1_trainer.config.schema import DataSettings, SamplerSettings
from or1_trainer.errors import ConfigError
from or1_trainer.rewards.gym import HELDOUT, gym_problems
from or1_trainer.toy.lesson import family_of
from or1_trainer.toy.lettered import lettered_problems
from or1_trainer.toy.worded import worded_problems
from or1_trainer.train.dataset import ALL, Dataset
from or1_trainer.train.estimates import solve_rate
from or1_trainer.train.initial_policy import problems_in
from or1_trainer.train.prompts import PromptEncoder
from or1_trainer.train.read_source import read_source

Part = Literal["train", "heldout"]

HELDOUT_PROBLEMS: Final = 64
HELDOUT_SEED: Final = 20_250_522
"""Of a task of reasoning-gym that is evaluated on."""


def load_problems(settings: DataSettings) -> tuple[list[Problem], list[Problem]]:
    """(training, held-out). Raises `ConfigError` naming file and line of a row that is broken."""
    if not settings.train:
        make = _GENERATORS[settings.generated]
        return make(settings, "train"), make(settings, "heldout")
    if not settings.heldout:
        raise ConfigError("data.heldout is empty: give at least one problem file to evaluate on")
    return _read(settings.train), _read(settings.heldout)


def load_dataset(settings: DataSettings, prompts: PromptEncoder) -> Dataset:
    """The problems of a run. Raises `ConfigError` naming file and line of a row that is broken."""
    if not settings.sources:
        train, heldout = load_problems(settings)
        return Dataset({ALL: _within(train, settings.sampler, "the training set")}, heldout)
    if not settings.heldout:
        raise ConfigError("data.heldout is empty: give at least one problem file to evaluate on")
    heldout = _read(settings.heldout)
    pools, taken = dict[str, list[Problem]](), {problem.id for problem in heldout}
    for source in settings.sources:
        where = f"source {source.label!r}"
        found = _without(read_source(source, prompts), taken, where)
        taken |= {problem.id for problem in found}
        pools[source.label] = _within(found, settings.sampler, where)
    limits = {source.label: source.max_response_tokens for source in settings.sources if source.max_response_tokens}
    return Dataset(pools, heldout, limits)


def dataset_summary(dataset: Dataset) -> dict[str, dict[str, int | str]]:
    """`data_summary`, and the same of each source."""
    pools = {f"source {name}": problems for name, problems in dataset.pools.items() if name}
    return data_summary(dataset.train, dataset.heldout) | _summaries(pools)


def data_summary(train: Sequence[Problem], heldout: Sequence[Problem]) -> dict[str, dict[str, int | str]]:
    """Number of problems and hash of their contents in this order, for `data.json` of the run folder."""
    return _summaries({"train": train, "heldout": heldout})


def _summaries(parts: Mapping[str, Sequence[Problem]]) -> dict[str, dict[str, int | str]]:
    return {name: {"problems": len(problems), "sha256": _content_hash(problems)} for name, problems in parts.items()}


def _content_hash(problems: Sequence[Problem]) -> str:
    digest = hashlib.sha256()
    for problem in problems:
        messages = [(message["role"], message["content"]) for message in problem.prompt]
        digest.update(json.dumps([problem.id, messages, problem.ground_truth]).encode() + b"\n")
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


def _read(paths: Sequence[str]) -> list[Problem]:
    found: dict[str, Problem] = {}
    for path in paths:
        if path.startswith(HELDOUT):
            found |= {problem.id: problem for problem in _heldout_of_task(path.removeprefix(HELDOUT))}
        else:
            found |= {problem.id: problem for problem in problems_in(path)}
    if not found:
        raise ConfigError(f"no problems in {', '.join(paths)}")
    return list(found.values())


def _heldout_of_task(task: str) -> Iterable[Problem]:
    """Problems of a task of reasoning-gym with a seed that no source has unless it asks for it."""
    return gym_problems(task, {}, seed=HELDOUT_SEED, size=HELDOUT_PROBLEMS)


def _without(problems: Sequence[Problem], others: Collection[str], where: str) -> list[Problem]:
    """The problems that are not held out. Raises `ConfigError` where none is left."""
    left = [problem for problem in problems if problem.id not in others]
    if not left:
        raise ConfigError(f"{where} has no problem that is not held out or in a source before it")
    return left


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
