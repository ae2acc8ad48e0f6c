"""From effects to a verdict: reproduced, not reproduced, or not decidable at this scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from or1_trainer.study.claim import Expect, Study
from or1_trainer.study.effect import Effect, effect_of
from or1_trainer.study.stored import StoredRun

LEAST_SEEDS = 3
"""Fewer decide nothing: one seed has no spread at all, and two hide it half of the time."""

ByArm = Mapping[str, Sequence[StoredRun]]
"""Arm -> its runs in the order of seeds."""


class Verdict(StrEnum):
    """What the runs say about a claim."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    NOT_DECIDABLE = "not decidable at this scale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One test and how it came out."""

    expect: Expect
    effect: Effect
    verdict: Verdict


def judge(study: Study, runs: ByArm) -> tuple[Verdict, list[Finding]]:
    """A claim holds when all its tests do, and fails when one of them does."""
    findings = []
    for expect in study.expect:
        effect = effect_of(expect, runs[expect.arm], runs[expect.reference] if expect.reference else ())
        findings.append(Finding(expect=expect, effect=effect, verdict=decide(expect, effect)))
    return overall([finding.verdict for finding in findings]), findings


def decide(expect: Expect, effect: Effect) -> Verdict:
    """The whole interval must lie where the claim says; where it lies wholly elsewhere, the claim fails.

    For "+" and "-" an interval within `margin` of 0 fails the claim too: an effect of a size that matters is excluded.
    """
    if len(effect.by_seed) < LEAST_SEEDS:
        return Verdict.NOT_DECIDABLE
    inside, outside = _regions(expect)
    if any(low <= effect.low and effect.high <= high for low, high in outside):
        return Verdict.NOT_REPRODUCED
    if inside[0] <= effect.low and effect.high <= inside[1]:
        return Verdict.REPRODUCED
    return Verdict.NOT_DECIDABLE


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """The worst of them, a failure before a doubt."""
    if Verdict.NOT_REPRODUCED in verdicts:
        return Verdict.NOT_REPRODUCED
    return Verdict.NOT_DECIDABLE if Verdict.NOT_DECIDABLE in verdicts else Verdict.REPRODUCED


def _regions(expect: Expect) -> tuple[tuple[float, float], list[tuple[float, float]]]:
    """Where the interval must lie for the claim, and the ranges that refute it."""
    above = math.nextafter(0.0, 1.0)  # an effect of exactly 0 is on neither side
    margin = expect.margin
    match expect.sign:
        case "+":
            return (above, math.inf), [(-math.inf, margin)]
        case "-":
            return (-math.inf, -above), [(-margin, math.inf)]
        case "0":
            return (-margin, margin), [(margin, math.inf), (-math.inf, -margin)]
        case ">":
            return (expect.bound, math.inf), [(-math.inf, expect.bound)]
        case "<":
            return (-math.inf, expect.bound), [(expect.bound, math.inf)]
