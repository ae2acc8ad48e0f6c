"""The problems of a run: generated arithmetic, or problem files in the row format of DESIGN §3."""

from __future__ import annotations

from collections.abc import Sequence

from or1_data import SchemaError, read_problems
from or1_data.arithmetic import arithmetic_problems
from or1_data.schema import Problem
from or1_trainer.config.schema import DataSettings
from or1_trainer.errors import ConfigError
from or1_trainer.tiny.family import family_of


def load_problems(settings: DataSettings) -> tuple[list[Problem], list[Problem]]:
    """(training, held-out). Raises `ConfigError` naming file and line of a row that is broken."""
    if not settings.train:
        made, family = settings.arithmetic, family_of(settings.arithmetic)
        return (
            list(arithmetic_problems("train", made.train, made.seed, family=family, template=settings.template)),
            list(arithmetic_problems("heldout", made.heldout, made.seed, family=family, template=settings.template)),
        )
    if not settings.heldout:
        raise ConfigError("data.heldout is empty: give at least one problem file to evaluate on")
    return _read(settings.train), _read(settings.heldout)


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
