"""The charts of a report, and their data from one or several runs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from or1_trainer.metrics.log import names, number
from or1_trainer.report.read_run import RunRecord
from or1_trainer.report.series import Band, Chart, Series


@dataclass(frozen=True, slots=True)
class Plot:
    """One chart: a title, a sentence on how to read it, and metric key -> label of its lines."""

    title: str
    caption: str
    lines: Mapping[str, str]
    smoothed: bool = True
    when_zero: bool = True
    """Whether to draw it when all its values are 0."""


PLOTS = (
    Plot(
        "Held-out accuracy",
        "avg@k on problems never trained on; bars are 95% intervals over problems.",
        {"eval/avg": "avg@k"},
        smoothed=False,
    ),
    Plot(
        "Reward",
        "Mean reward of all rollouts of the step. The verdict on a truncated one is 0.",
        {"reward/mean": "reward"},
    ),
    Plot(
        "Entropy",
        "Mean over tokens of the full-vocabulary entropy, in nats; the bonus is active below the target.",
        {"policy/entropy": "entropy"},
    ),
    Plot(
        "Entropy coefficient",
        "α in the loss of each step (0 while entropy is above the target), and the controller's coefficient.",
        {"policy/entropy_coef": "used", "policy/entropy_coef_next": "controller"},
        smoothed=False,
    ),
    Plot(
        "Response length",
        "Tokens per response; the context of the stage is the limit.",
        {"response/length_mean": "mean", "response/length_max": "longest", "stage/context_tokens": "context"},
    ),
    Plot(
        "Truncated and without answer",
        "Fraction of rollouts that reached the context limit, and of finished ones without an answer.",
        {"reward/truncated_rate": "truncated", "reward/no_answer_rate": "no answer"},
    ),
    Plot(
        "Groups",
        "Fraction of groups trained on; groups with equal rewards have no signal and are dropped.",
        {"group/kept_rate": "kept", "group/solve_all_rate": "all right", "group/solve_none_rate": "all wrong"},
    ),
    Plot(
        "Problems",
        "Problems left after dropping, at each new stage, those that were always solved.",
        {"stage/problems": "problems"},
        smoothed=False,
    ),
    Plot(
        "Supervised loss",
        "Mean negative log-likelihood of the assistant's tokens, in nats, before each step.",
        {"sft/loss": "loss"},
    ),
    Plot(
        "Learning rate", "At the last optimizer step of each training step.", {"optimizer/lr": "rate"}, smoothed=False
    ),
    Plot("Gradient norm", "L2 norm before clipping.", {"optimizer/grad_norm": "norm"}),
    Plot(
        "Clipped tokens",
        "Fraction of trained tokens at the lower and at the upper bound of the ratio.",
        {"policy/clip_low_rate": "low", "policy/clip_high_rate": "high"},
    ),
    Plot(
        "Engine against trainer",
        "Difference of their log-probs of the sampled tokens, in nats.",
        {"mismatch/mean_abs": "mean |Δ|", "mismatch/max_abs": "max |Δ|"},
    ),
    Plot(
        "Age of the samples",
        "Weight versions between sampling and training.",
        {"rollout/staleness_mean": "mean", "rollout/staleness_max": "oldest"},
        smoothed=False,
        when_zero=False,
    ),
    Plot(
        "Effective sample size",
        "As a fraction of the tokens; 1 where engine and trainer agree.",
        {"mismatch/ess": "share", "mismatch/masked_rate": "masked"},
    ),
    Plot("KL to the reference", "k3 estimate per token against the initial policy, in nats.", {"kl/k3": "k3"}),
    Plot("KL to the teacher", "Reverse KL per token of the policy against the teacher, in nats.", {"kl/teacher": "KL"}),
    Plot(
        "Refill",
        "Rounds of further prompts that replaced groups without advantage.",
        {"refill/rounds": "rounds"},
        smoothed=False,
    ),
)

_PHASES = ("rollout", "verify", "update", "sync", "eval", "checkpoint", "distribute", "other")


def plots_of(runs: Sequence[RunRecord]) -> list[Plot]:
    """All plots: the fixed ones, and behind the reward one of the recipe's own rewards, where it has several."""
    rows = itertools.chain.from_iterable(run.rows for run in runs)
    lines = {f"rewards/{name}.mean": name for name in names(rows, "rewards/", ".mean")}
    own = [Plot("Rewards", "Mean of each reward of the recipe, before its weight.", lines)] if lines else []
    behind = [plot.title for plot in PLOTS].index("Reward") + 1
    return [*PLOTS[:behind], *own, *PLOTS[behind:]]


def plot_chart(plot: Plot, runs: Sequence[RunRecord]) -> Chart:
    """Return the data of a plot; one run has a color per metric, several have a color per run and a dash per metric."""
    series, single = [], len(runs) == 1
    lines = enumerate(plot.lines.items())
    for (run_number, run), (line_number, (key, label)) in itertools.product(enumerate(runs), lines):
        if points := run.points(key):
            series.append(
                Series(
                    label=label if single else f"{run.name} · {label}",
                    points=points,
                    color=line_number if single else run_number,
                    dash=int(key == "stage/context_tokens") if single else line_number,
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
    order = [*_PHASES, *sorted(set(names(timed, "time/", "_s")).difference(_PHASES, {"step"}))]
    phases = {phase: [(float(row["step"]), float(row.get(f"time/{phase}_s", 0.0))) for row in timed] for phase in order}
    return {phase: points for phase, points in phases.items() if any(seconds > 0 for _, seconds in points)}


def time_chart(run: RunRecord) -> Chart:
    """Return the stacked seconds per step, by phase."""
    phases = phase_seconds(run)
    series = [Series(label=phase, points=points, color=i) for i, (phase, points) in enumerate(phases.items())]
    return Chart(series=series, bands=stage_bands([run]), stacked=True)


def stage_bands(runs: Sequence[RunRecord]) -> list[Band]:
    """Return the stages of the longest run as shaded ranges, if the other runs have the same; labels count from 1."""
    all_bands = [_bands_of(run) for run in runs]
    longest = max(all_bands, key=lambda bands: bands[-1].last if bands else 0.0, default=[])
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
    return [(number(row, "eval/low"), number(row, "eval/high")) for row in run.rows if "eval/avg" in row]


def _targets(plot: Plot, runs: Sequence[RunRecord]) -> list[tuple[float, str]]:
    if "policy/entropy" not in plot.lines:
        return []
    settings = {run.setting("entropy.target") for run in runs if run.setting("entropy.mode") == "adaptive"}
    targets = sorted(float(target) for target in settings if isinstance(target, int | float))
    return [(target, f"target {target:g}") for target in targets]
