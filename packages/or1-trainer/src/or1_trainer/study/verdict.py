"""Verdicts: a claim is reproduced, not reproduced, or not decidable at this scale."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from or1_trainer.study.claim import Expect, Study
from or1_trainer.study.effect import Effect, effect_of
from or1_trainer.study.run_summary import RunSummary

LEAST_SEEDS = 3
"""With fewer the verdict is always "not decidable": their spread says too little about the spread over seeds."""

ByArm = Mapping[str, Sequence[RunSummary]]
"""Arm -> summaries of its runs, in the order of seeds."""


class Verdict(StrEnum):
    """What the runs say about a claim. Of several expectations the first verdict of this list counts."""

    NOT_REPRODUCED = "not reproduced"
    NOT_DECIDABLE = "not decidable at this scale"
    REPRODUCED = "reproduced"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One expectation with the measured effect."""

    expect: Expect
    effect: Effect
    verdict: Verdict


def judge(study: Study, runs: ByArm) -> tuple[Verdict, list[Outcome]]:
    """Return the verdict on the claim, and the outcome of each of its expectations."""
    outcomes = []
    for expect in study.expect:
        effect = effect_of(expect, runs[expect.arm], runs[expect.reference] if expect.reference else ())
        outcomes.append(Outcome(expect=expect, effect=effect, verdict=decide(expect, effect)))
    found = [outcome.verdict for outcome in outcomes]
    return min(found, key=list(Verdict).index, default=Verdict.REPRODUCED), outcomes


def decide(expect: Expect, effect: Effect) -> Verdict:
    """Reproduced if the whole interval lies where the claim says, not reproduced if all of it lies elsewhere.

    For "+" and "-" an interval within `margin` of 0 also refutes the claim: it excludes an effect of a relevant size.
    """
    if len(effect.by_seed) < LEAST_SEEDS:
        return Verdict.NOT_DECIDABLE
    inside, outside = _regions(expect)
    if any(low <= effect.low and effect.high <= high for low, high in outside):
        return Verdict.NOT_REPRODUCED
    if inside[0] <= effect.low and effect.high <= inside[1]:
        return Verdict.REPRODUCED
    return Verdict.NOT_DECIDABLE


def _regions(expect: Expect) -> tuple[tuple[float, float], list[tuple[float, float]]]:
    """The range that confirms the expectation, and the ranges that refute it."""
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
