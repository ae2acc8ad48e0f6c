"""Which charts a report has, and how one or several runs fill them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from or1_trainer.report.read_run import RunRecord
from or1_trainer.report.series import NEUTRAL, Band, Chart, Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One chart of the report: a title, a sentence on how to read it, and (metric key, label) of its lines."""

    title: str
    caption: str
    lines: tuple[tuple[str, str], ...]
    smoothed: bool = True
    when_zero: bool = True
    """Whether it is drawn where all its values are 0."""


PLOTS = (
    Plot(
        title="Held-out accuracy",
        caption="avg@k on problems never trained on; bars are 95% intervals over problems.",
        lines=(("eval/avg", "avg@k"),),
        smoothed=False,
    ),
    Plot(
        title="Reward",
        caption="Mean verdict of all rollouts of the step, truncated ones counted 0.",
        lines=(("reward/mean", "reward"),),
    ),
    Plot(
        title="Entropy",
        caption="Exact, token-weighted, in nats; below the target the coefficient switches on.",
        lines=(("policy/entropy", "entropy"),),
    ),
    Plot(
        title="Entropy coefficient",
        caption="The α used in the loss of each step, 0 while entropy is above the target.",
        lines=(("policy/entropy_coef", "used"), ("policy/entropy_coef_next", "controller")),
        smoothed=False,
    ),
    Plot(
        title="Response length",
        caption="Tokens per response; the context of the stage cuts the longest.",
        lines=(
            ("response/length_mean", "mean"),
            ("response/length_max", "longest"),
            ("stage/context_tokens", "context"),
        ),
    ),
    Plot(
        title="Truncated and unanswered",
        caption="Share of rollouts cut by the context, and of whole ones without an answer.",
        lines=(("reward/truncated_rate", "truncated"), ("reward/no_answer_rate", "no answer")),
    ),
    Plot(
        title="Groups",
        caption="Share of groups trained on; all-right and all-wrong groups carry no signal and are dropped.",
        lines=(
            ("group/kept_rate", "kept"),
            ("group/solve_all_rate", "all right"),
            ("group/solve_none_rate", "all wrong"),
        ),
    ),
    Plot(
        title="Problems",
        caption="Problems that the online filter has left, from stage to stage.",
        lines=(("stage/problems", "left"),),
        smoothed=False,
    ),
    Plot(
        title="Learning rate",
        caption="Of the step's last optimiser step.",
        lines=(("optimizer/lr", "rate"),),
        smoothed=False,
    ),
    Plot(title="Gradient norm", caption="L2, before clipping.", lines=(("optimizer/grad_norm", "norm"),)),
    Plot(
        title="Clipped tokens",
        caption="Share of trained tokens whose ratio was held by the lower and by the upper bound.",
        lines=(("policy/clip_low_rate", "low"), ("policy/clip_high_rate", "high")),
    ),
    Plot(
        title="Engine against trainer",
        caption="Distance of their log-probs of the sampled tokens, in nats; rounding unless rollouts run ahead.",
        lines=(("mismatch/mean_abs", "mean |Δ|"), ("mismatch/max_abs", "max |Δ|")),
    ),
    Plot(
        title="Age of the samples",
        caption="Weight versions between sampling and training, of the step's responses.",
        lines=(("rollout/staleness_mean", "mean"), ("rollout/staleness_max", "oldest")),
        smoothed=False,
        when_zero=False,
    ),
    Plot(
        title="Effective sample size",
        caption="Share of the tokens that the importance weights are worth; 1 where engine and trainer agree.",
        lines=(("mismatch/ess", "share"), ("mismatch/masked_rate", "masked")),
    ),
    Plot(
        title="KL to the reference",
        caption="k3 estimate a token against the policy that the run began with, in nats.",
        lines=(("kl/k3", "k3"),),
    ),
    Plot(
        title="Refill",
        caption="Rounds of further prompts for groups without an advantage.",
        lines=(("refill/rounds", "rounds"),),
        smoothed=False,
    ),
)

_PHASES = ("rollout", "verify", "update", "push", "eval", "checkpoint", "other")


def plot_chart(plot: Plot, runs: Sequence[RunRecord]) -> Chart:
    """Fill a plot: one run colours its lines by metric, several by run, with dashes by metric."""
    series = []
    for (run_number, run), (line_number, (key, label)) in itertools.product(enumerate(runs), enumerate(plot.lines)):
        if points := run.points(key):
            single = len(runs) == 1
            series.append(
                Series(
                    label=label if single else f"{run.name} · {label}",
                    points=points,
                    colour=line_number if single else run_number,
                    dash=line_number if not single else int(key == "stage/context_tokens"),
                    intervals=_intervals(run) if key == "eval/avg" else (),
                    smoothed=plot.smoothed and key not in ("stage/context_tokens", "response/length_max"),
                )
            )
    return Chart(series=series, bands=stage_bands(runs), targets=_targets(plot, runs))


def is_drawn(plot: Plot, chart: Chart) -> bool:
    """Whether a chart has something to show; accuracy and reward have a place even before they do."""
    if not chart.series:
        return plot.title in ("Held-out accuracy", "Reward")
    return plot.when_zero or any(value for line in chart.series for _, value in line.points)


def legend(chart: Chart, plot: Plot, runs: Sequence[RunRecord]) -> list[tuple[str, int, int]]:
    """Label, colour and dash of what a chart explains itself; with several runs the page explains the colours."""
    if len(runs) == 1:
        return [(line.label, line.colour, line.dash) for line in chart.series]
    used = {line.dash for line in chart.series}
    return [(label, NEUTRAL, i) for i, (_, label) in enumerate(plot.lines) if i in used]


def phase_seconds(run: RunRecord) -> dict[str, list[tuple[float, float]]]:
    """Phase -> (step, seconds) at every step that has any time; a phase that never took time is left out."""
    timed = [row for row in run.rows if any(key.startswith("time/") for key in row)]
    logged = {key.removeprefix("time/").removesuffix("_s") for row in timed for key in row if key.startswith("time/")}
    order = [*_PHASES, *sorted(logged.difference(_PHASES, {"step"}))]
    phases = {}
    for phase in order:
        key = f"time/{phase}_s"
        points = [(float(row["step"]), float(row.get(key, 0.0))) for row in timed]
        if any(seconds > 0 for _, seconds in points):
            phases[phase] = points
    return phases


def time_chart(run: RunRecord) -> Chart:
    """Seconds per step, one slice per phase."""
    phases = phase_seconds(run)
    series = [Series(label=phase, points=points, colour=i) for i, (phase, points) in enumerate(phases.items())]
    return Chart(series=series, bands=stage_bands([run]), stacked=True)


def stage_bands(runs: Sequence[RunRecord]) -> list[Band]:
    """The longest run's stages as shaded ranges, if the other runs' agree; metrics count from 0, people from 1."""
    all_bands = sorted((_bands_of(run) for run in runs), key=lambda bands: bands[-1].last if bands else 0.0)
    if not all_bands:
        return []
    longest = all_bands[-1]
    agreed = all(
        shorter.first == longer.first and shorter.label == longer.label
        for bands in all_bands
        for shorter, longer in zip(bands, longest, strict=False)
    )
    return longest if agreed else []


def _bands_of(run: RunRecord) -> list[Band]:
    rows = [row for row in run.rows if "stage/index" in row]
    bands = []
    for index, group in itertools.groupby(rows, key=lambda row: (row["stage/index"], row.get("stage/context_tokens"))):
        steps = [float(row["step"]) for row in group]
        label = f"stage {int(index[0]) + 1}" + (f" · {index[1]} tokens" if index[1] is not None else "")
        bands.append(Band(first=steps[0], last=steps[-1], label=label))
    return bands


def _intervals(run: RunRecord) -> list[tuple[float, float]]:
    rows = [row for row in run.rows if isinstance(row.get("eval/avg"), int | float)]
    return [(float(row.get("eval/low", "nan")), float(row.get("eval/high", "nan"))) for row in rows]


def _targets(plot: Plot, runs: Sequence[RunRecord]) -> list[tuple[float, str]]:
    if plot.lines[0][0] != "policy/entropy":
        return []
    settings = {run.setting("entropy.target") for run in runs if run.setting("entropy.mode") == "adaptive"}
    targets = sorted(float(target) for target in settings if isinstance(target, int | float))
    return [(target, f"target {target:g}") for target in targets]
