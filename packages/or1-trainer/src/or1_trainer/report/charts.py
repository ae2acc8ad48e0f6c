"""The charts of a report, and their data from one or several runs."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from or1_trainer.report.read_run import RunRecord
from or1_trainer.report.series import Band, Chart, Series


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One chart: a title, a sentence on how to read it, and (metric key, label) of its lines."""

    title: str
    caption: str
    lines: tuple[tuple[str, str], ...]
    smoothed: bool = True
    when_zero: bool = True
    """Whether to draw it when all its values are 0."""


PLOTS = (
    Plot(
        title="Held-out accuracy",
        caption="avg@k on problems never trained on; bars are 95% intervals over problems.",
        lines=(("eval/avg", "avg@k"),),
        smoothed=False,
    ),
    Plot(
        title="Reward",
        caption="Mean reward of all rollouts of the step. The verdict on a truncated one is 0.",
        lines=(("reward/mean", "reward"),),
    ),
    Plot(
        title="Entropy",
        caption="Mean over tokens of the full-vocabulary entropy, in nats; the bonus is active below the target.",
        lines=(("policy/entropy", "entropy"),),
    ),
    Plot(
        title="Entropy coefficient",
        caption="α in the loss of each step (0 while entropy is above the target), and the controller's coefficient.",
        lines=(("policy/entropy_coef", "used"), ("policy/entropy_coef_next", "controller")),
        smoothed=False,
    ),
    Plot(
        title="Response length",
        caption="Tokens per response; the context of the stage is the limit.",
        lines=(
            ("response/length_mean", "mean"),
            ("response/length_max", "longest"),
            ("stage/context_tokens", "context"),
        ),
    ),
    Plot(
        title="Truncated and without answer",
        caption="Fraction of rollouts that reached the context limit, and of finished ones without an answer.",
        lines=(("reward/truncated_rate", "truncated"), ("reward/no_answer_rate", "no answer")),
    ),
    Plot(
        title="Groups",
        caption="Fraction of groups trained on; groups with equal rewards have no signal and are dropped.",
        lines=(
            ("group/kept_rate", "kept"),
            ("group/solve_all_rate", "all right"),
            ("group/solve_none_rate", "all wrong"),
        ),
    ),
    Plot(
        title="Problems",
        caption="Problems left after dropping, at each new stage, those that were always solved.",
        lines=(("stage/problems", "problems"),),
        smoothed=False,
    ),
    Plot(
        title="Supervised loss",
        caption="Mean negative log-likelihood of the assistant's tokens, in nats, before each step.",
        lines=(("sft/loss", "loss"),),
    ),
    Plot(
        title="Learning rate",
        caption="At the last optimizer step of each training step.",
        lines=(("optimizer/lr", "rate"),),
        smoothed=False,
    ),
    Plot(title="Gradient norm", caption="L2 norm before clipping.", lines=(("optimizer/grad_norm", "norm"),)),
    Plot(
        title="Clipped tokens",
        caption="Fraction of trained tokens at the lower and at the upper bound of the ratio.",
        lines=(("policy/clip_low_rate", "low"), ("policy/clip_high_rate", "high")),
    ),
    Plot(
        title="Engine against trainer",
        caption="Difference of their log-probs of the sampled tokens, in nats.",
        lines=(("mismatch/mean_abs", "mean |Δ|"), ("mismatch/max_abs", "max |Δ|")),
    ),
    Plot(
        title="Age of the samples",
        caption="Weight versions between sampling and training.",
        lines=(("rollout/staleness_mean", "mean"), ("rollout/staleness_max", "oldest")),
        smoothed=False,
        when_zero=False,
    ),
    Plot(
        title="Effective sample size",
        caption="As a fraction of the tokens; 1 where engine and trainer agree.",
        lines=(("mismatch/ess", "share"), ("mismatch/masked_rate", "masked")),
    ),
    Plot(
        title="KL to the reference",
        caption="k3 estimate per token against the initial policy, in nats.",
        lines=(("kl/k3", "k3"),),
    ),
    Plot(
        title="KL to the teacher",
        caption="Reverse KL per token of the policy against the teacher, in nats.",
        lines=(("kl/teacher", "KL"),),
    ),
    Plot(
        title="Refill",
        caption="Rounds of further prompts that replaced groups without advantage.",
        lines=(("refill/rounds", "rounds"),),
        smoothed=False,
    ),
)

_PHASES = ("rollout", "verify", "update", "sync", "eval", "checkpoint", "distribute", "other")


def plots_of(runs: Sequence[RunRecord]) -> list[Plot]:
    """All plots: the fixed ones, and behind the reward one of the recipe's own rewards, where it has several."""
    keys = dict.fromkeys(key for run in runs for row in run.rows for key in row if key.startswith("rewards/"))
    means = [key for key in keys if key.endswith(".mean")]
    own = Plot(
        title="Rewards",
        caption="Mean of each reward of the recipe, before its weight.",
        lines=tuple((key, key.removeprefix("rewards/").removesuffix(".mean")) for key in means),
    )
    behind = 1 + next(index for index, plot in enumerate(PLOTS) if plot.title == "Reward")
    return [*PLOTS[:behind], *([own] if means else []), *PLOTS[behind:]]


def plot_chart(plot: Plot, runs: Sequence[RunRecord]) -> Chart:
    """Return the data of a plot; one run has a color per metric, several have a color per run and a dash per metric."""
    series = []
    for (run_number, run), (line_number, (key, label)) in itertools.product(enumerate(runs), enumerate(plot.lines)):
        if points := run.points(key):
            single = len(runs) == 1
            series.append(
                Series(
                    label=label if single else f"{run.name} · {label}",
                    points=points,
                    color=line_number if single else run_number,
                    dash=line_number if not single else int(key == "stage/context_tokens"),
                    intervals=_intervals(run) if key == "eval/avg" else (),
                    smoothed=plot.smoothed and key not in ("stage/context_tokens", "response/length_max"),
                )
            )
    return Chart(series=series, bands=stage_bands(runs), targets=_targets(plot, runs))


def is_drawn(plot: Plot, chart: Chart) -> bool:
    """Return whether a chart has data; accuracy and reward are drawn even before they have."""
    if not chart.series:
        return plot.title in ("Held-out accuracy", "Reward")
    return plot.when_zero or any(value for line in chart.series for _, value in line.points)


def phase_seconds(run: RunRecord) -> dict[str, list[tuple[float, float]]]:
    """Return phase -> (step, seconds) at every timed step; phases that never took time are left out."""
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
    """Return the stacked seconds per step, by phase."""
    phases = phase_seconds(run)
    series = [Series(label=phase, points=points, color=i) for i, (phase, points) in enumerate(phases.items())]
    return Chart(series=series, bands=stage_bands([run]), stacked=True)


def stage_bands(runs: Sequence[RunRecord]) -> list[Band]:
    """Return the stages of the longest run as shaded ranges, if the other runs have the same; labels count from 1."""
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
