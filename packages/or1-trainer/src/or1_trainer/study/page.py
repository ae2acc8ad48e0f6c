"""`docs/studies/NAME.md`: claim, setup beside the paper's, figure, effects with intervals, verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from or1_trainer.study.claim import Arm, Study
from or1_trainer.study.measure import last, measure
from or1_trainer.study.stored import StoredRun
from or1_trainer.study.verdict import Finding, Verdict

_MEANING = {
    Verdict.REPRODUCED: "Every interval lies where the claim says.",
    Verdict.NOT_REPRODUCED: "At least one interval lies wholly where the claim says it should not.",
    Verdict.NOT_DECIDABLE: "At least one interval holds effects that agree with the claim and effects that do not.",
}
_GIVEN_BY = ("+", "-", "0")


def study_page(
    study: Study,
    seeds: Sequence[int],
    runs: Mapping[str, Sequence[StoredRun]],
    verdict: Verdict,
    findings: list[Finding],
) -> str:
    """The page as Markdown; every number in it comes from the stored runs."""
    return "\n".join(
        [
            f"# {study.letter}. {study.name}",
            "",
            f"**Claim.** {study.claim} ({study.source})",
            "",
            f"**Verdict: {verdict.value}.** {_MEANING[verdict]}" + (f" {study.note}" if study.note else ""),
            "",
            f"| the paper | here (recipe `{study.recipe}`) |",
            "|---|---|",
            f"| {study.paper_setup} | {study.setup} |",
            "",
            f"Seeds {', '.join(map(str, seeds))}; settings, arms, tests and margins are in "
            f"`study/studies/{study.name}.toml` and were fixed before these seeds were run.",
            "",
            f"![Entropy and accuracy over steps, every seed]({study.name}/figure.svg)",
            "",
            *_arms_table(study, runs),
            "",
            *_tests_table(findings),
            "",
            "Intervals are 95% percentile bootstraps over seeds, and for accuracies over problems too. "
            f"With {len(seeds)} seeds the part over seeds is rough: read the values of the single seeds beside it.",
            "",
        ]
    )


def _arms_table(study: Study, runs: Mapping[str, Sequence[StoredRun]]) -> list[str]:
    head = "| arm | settings | accuracy before | after | entropy, first step | last fifth | truncated | length |"
    return [head, "|---" * 8 + "|", *(_arm_row(arm, runs[arm.name]) for arm in study.arms)]


def _arm_row(arm: Arm, runs: Sequence[StoredRun]) -> str:
    settings = ", ".join(f"`{key} = {value}`" for key, value in arm.settings.items()) or "the base"
    cells = [
        _over_seeds([run.accuracies[0] for run in runs]),
        _over_seeds([run.accuracies[-1] for run in runs]),
        _over_seeds([measure(run, "entropy_start") for run in runs]),
        _over_seeds([last(run, "entropy") for run in runs]),
        _over_seeds([last(run, "truncated") for run in runs]),
        _over_seeds([last(run, "length") for run in runs], digits=1),
    ]
    return f"| {arm.name} | {settings} | " + " | ".join(cells) + " |"


def _over_seeds(values: Sequence[float], digits: int = 3) -> str:
    """Mean and range."""
    mean = sum(values) / len(values)
    return f"{mean:.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def _tests_table(findings: Sequence[Finding]) -> list[str]:
    return ["| test | expected | effect [95%] | each seed | |", "|---" * 5 + "|", *map(_test_row, findings)]


def _test_row(finding: Finding) -> str:
    expect, effect = finding.expect, finding.effect
    compared = f"{expect.quantity}: {expect.arm}" + (f" − {expect.reference}" if expect.reference else "")
    said = f"{expect.says} ({compared})" if expect.says else compared
    seeds = ", ".join(_number(value) for value in effect.by_seed)
    interval = f"{_number(effect.value)} [{_number(effect.low)}, {_number(effect.high)}]"
    return f"| {said} | {_expected(finding)} | {interval} | {seeds} | {finding.verdict.value} |"


def _expected(finding: Finding) -> str:
    expect = finding.expect
    if expect.sign == "0":
        return f"within ±{expect.margin:g}"
    if expect.sign in _GIVEN_BY:
        return f"{expect.sign}" + (f", matters from {expect.margin:g}" if expect.margin else "")
    return f"{expect.sign} {expect.bound:g}"


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"
