"""Page of a study, `docs/studies/NAME.md`: claim, setup, figure, measured effects, verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jinja2 import Environment, PackageLoader, StrictUndefined

from or1_trainer.study.claim import Arm, Study
from or1_trainer.study.measure import last, measure
from or1_trainer.study.run_summary import RunSummary
from or1_trainer.study.verdict import Outcome, Verdict

MEANING = {
    Verdict.REPRODUCED: "Every interval lies where the claim says.",
    Verdict.NOT_REPRODUCED: "At least one interval lies entirely where the claim says it does not.",
    Verdict.NOT_DECIDABLE: "At least one interval includes effects that agree with the claim and effects that do not.",
}


def study_page(
    study: Study,
    seeds: Sequence[int],
    runs: Mapping[str, Sequence[RunSummary]],
    verdict: Verdict,
    outcomes: Sequence[Outcome],
) -> str:
    """Render the page as Markdown; all numbers in it come from the run summaries."""
    templates = Environment(
        loader=PackageLoader("or1_trainer.study", ""),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    return templates.get_template("page.md.j2").render(
        study=study,
        seeds=seeds,
        verdict=verdict,
        meaning=MEANING[verdict],
        arms=[_arm_row(arm, runs[arm.name]) for arm in study.arms],
        expectations=[_expectation_row(outcome) for outcome in outcomes],
    )


def _arm_row(arm: Arm, runs: Sequence[RunSummary]) -> list[str]:
    return [
        arm.name,
        ", ".join(f"`{key} = {value}`" for key, value in arm.settings.items()) or "the base",
        _over_seeds([run.accuracies[0] for run in runs]),
        _over_seeds([run.accuracies[-1] for run in runs]),
        _over_seeds([measure(run, "entropy_start") for run in runs]),
        _over_seeds([last(run, "entropy") for run in runs]),
        _over_seeds([last(run, "truncated") for run in runs]),
        _over_seeds([last(run, "length") for run in runs], digits=1),
    ]


def _over_seeds(values: Sequence[float], digits: int = 3) -> str:
    mean = sum(values) / len(values)
    return f"{mean:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _expectation_row(outcome: Outcome) -> list[str]:
    expect, effect = outcome.expect, outcome.effect
    compared = f"{expect.quantity}: {expect.arm}" + (f" − {expect.reference}" if expect.reference else "")
    return [
        f"{expect.says} ({compared})" if expect.says else compared,
        _expected(outcome),
        f"{_number(effect.value)} [{_number(effect.low)}, {_number(effect.high)}]",
        ", ".join(_number(value) for value in effect.by_seed),
        outcome.verdict.value,
    ]


def _expected(outcome: Outcome) -> str:
    expect = outcome.expect
    if expect.sign == "0":
        return f"within ±{expect.margin:g}"
    if expect.sign in ("+", "-"):
        return f"{expect.sign}" + (f", relevant from {expect.margin:g}" if expect.margin else "")
    return f"{expect.sign} {expect.bound:g}"


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
