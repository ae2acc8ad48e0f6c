"""The problems of a run: generated, or read from problem files in the row format of or1-data."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Final, Literal

from or1_data import SchemaError, read_problems
from or1_data.arithmetic import arithmetic_problems
from or1_data.schema import Problem
from or1_trainer.config.schema import DataSettings
from or1_trainer.errors import ConfigError
from or1_trainer.toy.family import family_of, lengths_of
from or1_trainer.toy.lettered import lettered_problems
from or1_trainer.toy.worded import worded_problems

Part = Literal["train", "heldout"]


def load_problems(settings: DataSettings) -> tuple[list[Problem], list[Problem]]:
    """(training, held-out). Raises `ConfigError` naming file and line of a row that is broken."""
    if not settings.train:
        make = _GENERATORS[settings.generated]
        return make(settings, "train"), make(settings, "heldout")
    if not settings.heldout:
        raise ConfigError("data.heldout is empty: give at least one problem file to evaluate on")
    return _read(settings.train), _read(settings.heldout)


def data_summary(train: Sequence[Problem], heldout: Sequence[Problem]) -> dict[str, dict[str, int | str]]:
    """Number of problems and hash of their contents in this order, for `data.json` of the run folder."""
    return {
        name: {"problems": len(problems), "sha256": _content_hash(problems)}
        for name, problems in (("train", train), ("heldout", heldout))
    }


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
    return list(lettered_problems(part, count, made.seed, lengths_of(made), template=settings.template))


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
        try:
            found |= {problem.id: problem for problem in read_problems(path)}
        except (SchemaError, OSError) as error:
            raise ConfigError(f"{error}; `or1-data validate {path}` lists every broken row") from error
    if not found:
        raise ConfigError(f"no problems in {', '.join(paths)}")
    return list(found.values())
