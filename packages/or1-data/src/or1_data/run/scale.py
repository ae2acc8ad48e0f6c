"""The scale of difficulty counts: checked against the data, not assumed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from or1_data.difficulty.counts import counts_of
from or1_data.errors import ConfigError
from or1_data.run.recipe import ScaleSettings
from or1_data.schema import Problem

Scale = dict[str, dict[str, int]]
"""Ability -> model -> attempts."""


def find_scale(counts: Iterable[Mapping[str, Any]], settings: ScaleSettings) -> Scale:
    """The attempts per ability and model, from the highest counts of all parts.

    Raises:
        ConfigError: a count above every scale that the recipe allows.
    """
    highest: Scale = {}
    for part in counts:
        for ability, models in (part.get("max_failures") or {}).items():
            for model, failures in models.items():
                known = highest.setdefault(ability, {})
                known[model] = max(known.get(model, 0), failures)
    allowed = {"math": settings.math, "code": settings.code}
    return {
        ability: {model: _fitting(failures, allowed[ability], ability, model) for model, failures in models.items()}
        for ability, models in highest.items()
    }


def with_scale(problem: Problem, scale: Scale) -> Problem:
    """The problem with the number of attempts beside counts that had none."""
    failures = problem.extra_info.get("model_difficulty") or {}
    known = counts_of(problem)
    missing = {m: n for m, n in scale.get(problem.ability, {}).items() if m in failures and m not in known}
    if not missing:
        return problem
    attempts = {**(problem.extra_info.get("model_attempts") or {}), **missing}
    return replace(problem, extra_info={**problem.extra_info, "model_attempts": attempts})


def _fitting(failures: int, allowed: tuple[int, ...], ability: str, model: str) -> int:
    fitting = [attempts for attempts in sorted(allowed) if failures <= attempts]
    if not fitting:
        raise ConfigError(
            f"scale.{ability}: {model} counts {failures} failures, more than any of {list(allowed)} attempts; add the true number"  # noqa: E501
        )
    return fitting[0]
