"""Figure of a study: entropy and held-out accuracy over training steps, one line per run, as SVG."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from or1_trainer.errors import ConfigError
from or1_trainer.study.run_summary import RunSummary

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_POINTS = 60
"""Most points of a line, so that a dozen noisy lines can be distinguished."""
SIZE_INCHES = (7.0, 7.5)
STYLE = {
    "svg.hashsalt": "or1",  # with a fixed salt and no date the same runs give the same bytes
    "svg.fonttype": "none",
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "lines.linewidth": 1.3,
}

Points = Sequence[tuple[float, float]]


def study_figure(runs: Mapping[str, Sequence[RunSummary]]) -> str:
    """Draw two panels and a legend of the arms; all seeds of an arm have its color.

    Raises `ConfigError` if matplotlib, the extra `figures`, is not installed.
    """
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise ConfigError("figures of studies need matplotlib: install or1-trainer[figures]") from error
    style: dict[Any, Any] = {**dict(mpl.rcParamsDefault), **STYLE}  # not what a user's matplotlibrc says
    with mpl.rc_context(style):
        figure = Figure(figsize=SIZE_INCHES)
        entropy, accuracy = figure.subplots(2, sharex=True)
        _plot(entropy, "Entropy of the rollouts, nats per token", runs, entropy_points)
        _plot(accuracy, "Held-out accuracy, avg@k", runs, accuracy_points)
        accuracy.set_xlabel("training step")
        figure.subplots_adjust(left=0.08, right=0.98, top=0.96, bottom=0.2, hspace=0.15)
        figure.legend(*entropy.get_legend_handles_labels(), loc="lower center", ncols=2, frameon=False)
        svg = io.StringIO()
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": None})
    return svg.getvalue()


def _plot(
    axes: Axes, title: str, runs: Mapping[str, Sequence[RunSummary]], points_of: Callable[[RunSummary], Points]
) -> None:
    for number, (arm, seeds) in enumerate(runs.items()):
        for seed, run in enumerate(seeds):
            steps, values = zip(*points_of(run), strict=True)
            axes.plot(steps, values, color=f"C{number}", label=arm if seed == 0 else None)
    axes.set_title(title, loc="left")
    axes.set_ylim(bottom=0)


def entropy_points(run: RunSummary) -> Points:
    """(step, entropy), averaged over equal numbers of steps to at most 60 points."""
    points = [(step + 1.0, value) for step, value in enumerate(run.series.get("entropy", [])) if value is not None]
    width = max(1, -(-len(points) // MOST_POINTS))
    bins = [points[start : start + width] for start in range(0, len(points), width)]
    return [(sum(x for x, _ in part) / len(part), sum(y for _, y in part) / len(part)) for part in bins]


def accuracy_points(run: RunSummary) -> Points:
    """(step, avg@k) at each evaluation."""
    return [(float(step), value) for step, value in zip(run.eval_steps, run.accuracies, strict=True)]
