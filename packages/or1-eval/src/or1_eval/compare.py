"""Two runs on the same problems: is the difference more than noise, and what would it take to know?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from or1_eval.errors import EvalError, RunFolderError
from or1_eval.estimators import (
    Comparison,
    compare_paired,
    detectable_difference,
    heterogeneity,
    needed_k,
    needed_problems,
    sampling_error,
)
from or1_eval.report import ProblemResult, Report
from or1_eval.results import load_reports
from or1_eval.table import percent, plain


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskComparison:
    """One task in both runs.

    `cautions` say where the two were not asked alike. `sampling_variance` and `heterogeneity` are what
    `needed_problems` and `needed_k` rest on (NaN with one sample per problem); the latter two are None where no
    number is enough or nothing can be said.
    """

    task: str
    ks: tuple[int, int]
    result: Comparison
    cautions: tuple[str, ...]
    sampling_variance: float
    heterogeneity: float
    detectable: float
    needed_k_here: int | None
    needed_problems: int | None


def compare(run_a: str | Path, run_b: str | Path, *, confidence: float = 0.95) -> list[TaskComparison]:
    """Compare the tasks that both runs have, on the problems that both have.

    Raises:
        RunFolderError: not run folders, or they have no task in common.
    """
    a, b = load_reports(run_a), load_reports(run_b)
    common = [name for name in a if name in b]
    if not common:
        raise RunFolderError(
            f"no task in common: {run_a} has {', '.join(a) or 'none'}, {run_b} has {', '.join(b) or 'none'}"
        )
    return [compare_reports(a[name], b[name], confidence=confidence) for name in common]


def compare_reports(a: Report, b: Report, *, confidence: float = 0.95) -> TaskComparison:
    """Compare two reports of the same task, B minus A.

    Raises:
        RunFolderError: no problem is graded in both.
    """
    if not 0 < confidence < 1:
        raise EvalError(f"confidence must be between 0 and 1, not {confidence}")
    graded_b = {problem.id: problem for problem in b.problems if problem.num_graded}
    pairs = [(problem, graded_b[problem.id]) for problem in a.problems if problem.num_graded and problem.id in graded_b]
    if not pairs:
        raise RunFolderError(f"{a.task}: no problem has a verdict in both runs")
    sides = [[pair[side] for pair in pairs] for side in (0, 1)]
    result = compare_paired(
        [p.accuracy for p in sides[0]],
        [p.accuracy for p in sides[1]],
        sampling_errors=(_error(sides[0]), _error(sides[1])),
        confidence=confidence,
    )
    return _with_needs(a, b, sides, result, confidence)


def _with_needs(
    a: Report, b: Report, sides: list[list[ProblemResult]], result: Comparison, confidence: float
) -> TaskComparison:
    k = min(a.k, b.k)
    variances = [[p.variance for p in side] for side in sides]
    variance = fmean(variances[0] + variances[1])
    spread = math.nan
    problems: int | None = None
    samples: int | None = None
    if not math.isnan(variance) and len(sides[0]) > 1:
        spread = heterogeneity(
            [p.accuracy for p in sides[0]], [p.accuracy for p in sides[1]], variances[0], variances[1], k
        )
        if result.difference:
            problems = needed_problems(result.difference, k, variance, heterogeneity=spread, confidence=confidence)
            samples = needed_k(result.difference, len(sides[0]), variance, confidence=confidence)
    detectable = math.nan
    if not math.isnan(spread):
        detectable = detectable_difference(len(sides[0]), k, variance, heterogeneity=spread, confidence=confidence)
    return TaskComparison(
        task=a.task,
        ks=(a.k, b.k),
        result=result,
        cautions=tuple(_cautions(a, b, len(sides[0]))),
        sampling_variance=variance,
        heterogeneity=spread,
        detectable=detectable,
        needed_k_here=samples,
        needed_problems=problems,
    )


def _cautions(a: Report, b: Report, num_common: int) -> list[str]:
    said = []
    if num_common < max(a.num_problems, b.num_problems):
        said.append(f"{num_common} problems are in both runs, of {a.num_problems} and {b.num_problems}")
    for what, read in (
        ("prompt template", lambda r: r.fingerprint.get("task", {}).get("template")),
        ("problems", lambda r: r.fingerprint.get("task", {}).get("problems_sha256")),
        ("sampling", lambda r: {k: v for k, v in r.fingerprint.get("sampling", {}).items() if k != "seed"}),
        ("verifier", lambda r: r.fingerprint.get("verifier")),
        ("extra_body", lambda r: r.fingerprint.get("extra_body", {})),
        ("verifier version", lambda r: r.fingerprint.get("versions", {}).get("or1-reward")),
    ):
        if read(a) != read(b):
            said.append(f"{what} differs: {_short(read(a))} and {_short(read(b))}")
    said += [
        f"{report.task} is not complete ({report.num_missing} samples missing)"
        for report in (a, b)
        if report.num_missing
    ]
    return said


def _short(value: object) -> str:
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)


def _error(side: list[ProblemResult]) -> float:
    return sampling_error([p.variance for p in side], [p.num_graded for p in side])


HEADER = ("task", "A", "B", "B - A", "95% interval", "p", "same problems", "p", "better/worse/n")


def comparison_text(found: list[TaskComparison]) -> str:
    """The table for the terminal, with what it means and what it would take to know more."""
    rows = []
    for one in found:
        r = one.result
        rows.append(
            (
                one.task,
                percent(r.mean_a),
                percent(r.mean_b),
                f"{100 * r.difference:+.1f}",
                f"{100 * r.interval.low:+.1f} to {100 * r.interval.high:+.1f}",
                f"{r.p_value:.3f}",
                _range(r.same_benchmark_interval.low, r.same_benchmark_interval.high),
                "-" if math.isnan(r.same_benchmark_p_value) else f"{r.same_benchmark_p_value:.3f}",
                f"{r.better}/{r.worse}/{r.num_problems}",
            )
        )
    legend = (
        "Points of avg@k, paired by problem. 95% interval and p: for problems like these (bootstrap over problems, "
        "sign-flip test); same problems: other samples of these very problems."
    )
    return "\n".join([plain(HEADER, rows), legend, *(line for one in found for line in _about(one))])


def _range(low: float, high: float) -> str:
    return "-" if math.isnan(low) else f"{100 * low:+.1f} to {100 * high:+.1f}"


def _about(one: TaskComparison) -> list[str]:
    lines = [f"! {one.task}: {text}" for text in one.cautions]
    if not math.isnan(one.detectable):
        lines.append(
            f"{one.task}: with {one.result.num_problems} problems and k={min(one.ks)}, differences of "
            f"{percent(one.detectable)} points or more are found 80% of the time"
        )
    if one.result.difference and one.needed_problems is not None:
        here = (
            f"k={one.needed_k_here} on these very problems" if one.needed_k_here else "no k on these problems is enough"
        )
        lines.append(
            f"{one.task}: to see {100 * abs(one.result.difference):.1f} points: about {one.needed_problems:,} "
            f"problems like these at k={min(one.ks)}, or {here}"
        )
    return lines
