"""From a study to its runs: one configuration per arm and seed, keyed by what its settings are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from or1_trainer.config.check import check
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.config.schema import RunConfig, Settings
from or1_trainer.errors import ConfigError
from or1_trainer.study.claim import Study

FIRST_SEED = 21
"""Seeds are FIRST_SEED, FIRST_SEED + 1, ...; settings were tried out on others (docs/studies/README.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run of one arm; equal settings give equal keys, so that studies share runs."""

    arm: str
    seed: int
    config: RunConfig
    key: str

    def folder(self, root: Path) -> Path:
        """Where the run lives."""
        return root / self.key


def plan_runs(study: Study, seeds: Sequence[int], *, extra: Mapping[str, Any] | None = None) -> list[PlannedRun]:
    """Seed by seed, so that an interrupted study has whole comparisons.

    Settings apply in this order: recipe, study, arm, `extra`. A seed has a warm start of its own, so that seeds are
    different policies; all arms of a seed begin with the same one. Raises `ConfigError` naming what cannot be run.
    """
    tree = read_recipe(study.recipe)
    planned = []
    for seed in seeds:
        for arm in study.arms:
            own = {"warm_start.seed": seed, **study.settings, **arm.settings, **(extra or {})}
            settings = {**own, "seed": seed}
            config = _resolved(tree, settings)
            if any(stage.advance.rule == "auto" for stage in config.stages):
                raise ConfigError(f"study {study.name}: arms are compared at equal steps; advance.rule must be count")
            check(config, max(config.parallel.tensor, 1) * max(config.parallel.data, 1))
            planned.append(PlannedRun(arm=arm.name, seed=seed, config=config, key=run_key(config)))
    return planned


def _resolved(tree: Mapping[str, Any], settings: Mapping[str, Any]) -> RunConfig:
    """`stages.*.key` sets a key of every stage there is after all other settings."""
    config = resolve(tree, [(key, value) for key, value in settings.items() if "*" not in key])
    stars = [(key, value) for key, value in settings.items() if "*" in key]
    every = [(key.replace("*", str(n)), value) for key, value in stars for n in range(len(config.stages))]
    return resolve(msgspec.to_builtins(config), every)


def run_key(config: RunConfig) -> str:
    """Hash of the settings that are not at their default, the name left out: a new setting changes no old key."""
    said = changed(msgspec.structs.replace(config, name=""))
    return hashlib.sha256(msgspec.json.encode(said, order="deterministic")).hexdigest()[:12]


def changed(settings: Settings) -> dict[str, Any]:
    """The settings that differ from their default, nested."""
    said: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Settings):
            if inner := changed(value):
                said[field.name] = inner
        elif field.required or value != field.default:
            said[field.name] = msgspec.to_builtins(value)
    return said
