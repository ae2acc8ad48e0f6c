"""Effects between arms with bootstrap intervals over seeds and, for accuracies, over problems.

Arms are paired by seed and by problem: with the same seed they train on the same problems in the same order, and all
are evaluated on the same held-out problems. Axes: S seeds, N problems, R resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from or1_trainer.study.claim import Expect
from or1_trainer.study.measure import PER_PROBLEM, Floats, measured_N
from or1_trainer.study.run_summary import RunSummary

RESAMPLES = 10_000
LEVEL = 0.95
SEED = 20250529
"""Seed of the bootstrap, so that the same runs always give the same interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Mean over seeds, its percentile interval, and the value of each seed."""

    value: float
    low: float
    high: float
    by_seed: tuple[float, ...]


def effect_of(expect: Expect, arm: Sequence[RunSummary], reference: Sequence[RunSummary]) -> Effect:
    """Return the quantity of `arm` minus that of `reference` (0 if empty), paired in the order of seeds.

    Raises `ValueError` where the arms cannot be paired, `RunFolderError` as `measured_N` does.
    """
    differences_SN = _values_SN(expect.quantity, arm)
    if reference:
        if len(arm) != len(reference):
            raise ValueError(f"{len(arm)} runs cannot be paired with {len(reference)}")
        if expect.quantity in PER_PROBLEM and [run.problems for run in arm] != [run.problems for run in reference]:
            raise ValueError("two arms were evaluated on different problems and cannot be paired")
        differences_SN = differences_SN - _values_SN(expect.quantity, reference)
    # problems without a verdict in any one run (verifier errors) are left out of all runs
    return bootstrap(differences_SN[:, np.isfinite(differences_SN).all(axis=0)])


def bootstrap(differences_SN: Floats) -> Effect:
    """Percentile bootstrap: resample seeds and problems, both with replacement. [S, N] -> mean and interval.

    Three seeds give only ten different resamples of seeds, so the interval is too narrow; the pages say so.
    """
    rng = np.random.default_rng(SEED)
    seeds, problems = differences_SN.shape
    seeds_RS = rng.integers(seeds, size=(RESAMPLES, seeds))
    weights_RS = np.apply_along_axis(np.bincount, 1, seeds_RS, minlength=seeds) / seeds
    if problems == 1:
        means_R = weights_RS @ differences_SN[:, 0]
    else:
        weights_RN = rng.multinomial(problems, np.full(problems, 1 / problems), size=RESAMPLES) / problems
        means_R = np.einsum("rs,sn,rn->r", weights_RS, differences_SN, weights_RN, optimize=True)
    low, high = np.quantile(means_R, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Effect(
        value=float(differences_SN.mean()),
        low=float(low),
        high=float(high),
        by_seed=tuple(differences_SN.mean(axis=1).tolist()),
    )


def _values_SN(quantity: str, runs: Sequence[RunSummary]) -> Floats:
    return np.array([measured_N(run, quantity) for run in runs])
