"""The runs of a study: one configuration per arm and seed, identified by a hash of its settings, and their GPUs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from or1_trainer.config.check import check
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.config.schema import RunConfig
from or1_trainer.dtypes import with_dtype
from or1_trainer.errors import ConfigError
from or1_trainer.study.claim import Study
from or1_trainer.study.run_summary import changed

FIRST_SEED = 21
"""Studies use the seeds FIRST_SEED, FIRST_SEED + 1, ...; settings were tuned on others (docs/studies/README.md)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """One run of one arm. Equal settings give equal keys, so that studies share runs."""

    arm: str
    seed: int
    config: RunConfig

    @property
    def key(self) -> str:
        """Hash of the settings that differ from their defaults, without the name; a new setting changes no old key."""
        different = changed(msgspec.structs.replace(self.config, name=""))
        return hashlib.sha256(msgspec.json.encode(different, order="deterministic")).hexdigest()[:12]

    def folder(self, root: Path) -> Path:
        """Return the run folder."""
        return root / self.key


def plan_runs(study: Study, seeds: Sequence[int], *, extra: Mapping[str, Any] | None = None) -> list[PlannedRun]:
    """List the runs seed by seed, so that an interrupted study has complete comparisons.

    Settings apply in this order: recipe, study, arm, `extra`. Each seed has its own warm start; all arms of a seed
    start from the same one. Raises `ConfigError` if an arm has invalid settings.
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
            check(config, _processes(config))
            planned.append(PlannedRun(arm=arm.name, seed=seed, config=config))
    return planned


def _resolved(tree: Mapping[str, Any], settings: Mapping[str, Any]) -> RunConfig:
    """Apply settings; then `stages.*.key` sets a key of every stage."""
    config = resolve(tree, [(key, value) for key, value in settings.items() if "*" not in key])
    stars = [(key, value) for key, value in settings.items() if "*" in key]
    every = [(key.replace("*", str(n)), value) for key, value in stars for n in range(len(config.stages))]
    return resolve(msgspec.to_builtins(config), every)


def gpu_groups(configs: Sequence[RunConfig], gpus: int) -> list[str]:
    """Return values of CUDA_VISIBLE_DEVICES, one per concurrent run, so that no two share a GPU; empty on CPUs.

    Raises `ConfigError` if there are fewer than one run needs. The assignment is tested; it never ran on CUDA.
    """
    if not gpus or all(config.device == "cpu" for config in configs):
        return []
    per_run = max(map(_processes, configs))
    if per_run > gpus:
        raise ConfigError(f"a run of this study needs {per_run} GPUs, and this machine has {gpus}")
    return [",".join(map(str, range(first, first + per_run))) for first in range(0, gpus - per_run + 1, per_run)]


def _processes(config: RunConfig) -> int:
    """Processes of a run, each of which has a GPU of its own where GPUs are used."""
    return max(config.parallel.tensor, 1) * max(config.parallel.data, 1)
