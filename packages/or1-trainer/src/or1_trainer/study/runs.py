"""The runs of a study: one configuration per arm and seed, identified by a hash of its settings."""

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
from or1_trainer.dtypes import with_dtype
from or1_trainer.errors import ConfigError
from or1_trainer.study.claim import Study

FIRST_SEED = 21
"""Studies use the seeds FIRST_SEED, FIRST_SEED + 1, ...; settings were tuned on others (docs/studies/README.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run of one arm. Equal settings give equal keys, so that studies share runs."""

    arm: str
    seed: int
    config: RunConfig
    key: str

    def folder(self, root: Path) -> Path:
        """Return the run folder."""
        return root / self.key


def plan_runs(study: Study, seeds: Sequence[int], *, extra: Mapping[str, Any] | None = None) -> list[PlannedRun]:
    """List the runs seed by seed, so that an interrupted study has complete comparisons.

    Settings apply in this order: recipe, study, arm, `extra`. Each seed has its own warm start; all arms of a seed
    start from the same one.

    Raises:
        ConfigError: an arm has invalid settings.
    """
    tree = read_recipe(study.recipe)
    planned = []
    for seed in seeds:
        for arm in study.arms:
            own = {"warm_start.seed": seed, **study.settings, **arm.settings, **(extra or {})}
            settings = {**own, "seed": seed}
            config = with_dtype(_resolved(tree, settings))
            if any(stage.advance.rule == "auto" for stage in config.stages):
                raise ConfigError(f"study {study.name}: arms are compared at equal steps; set advance.rule = count")
            check(config, max(config.parallel.tensor, 1) * max(config.parallel.data, 1))
            planned.append(PlannedRun(arm=arm.name, seed=seed, config=config, key=run_key(config)))
    return planned


def _resolved(tree: Mapping[str, Any], settings: Mapping[str, Any]) -> RunConfig:
    """Apply settings; then `stages.*.key` sets a key of every stage."""
    config = resolve(tree, [(key, value) for key, value in settings.items() if "*" not in key])
    stars = [(key, value) for key, value in settings.items() if "*" in key]
    every = [(key.replace("*", str(n)), value) for key, value in stars for n in range(len(config.stages))]
    return resolve(msgspec.to_builtins(config), every)


def run_key(config: RunConfig) -> str:
    """Hash the settings that differ from their defaults, without the name; a new setting changes no existing key."""
    different = changed(msgspec.structs.replace(config, name=""))
    return hashlib.sha256(msgspec.json.encode(different, order="deterministic")).hexdigest()[:12]


def changed(settings: Settings) -> dict[str, Any]:
    """Return the settings that differ from their defaults, nested."""
    different: dict[str, Any] = {}
    for field in msgspec.structs.fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, Settings):
            if inner := changed(value):
                different[field.name] = inner
        elif field.required or value != field.default:
            different[field.name] = msgspec.to_builtins(value)
    return different
