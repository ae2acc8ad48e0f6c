"""Charts of the report with their titles, captions and legends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from or1_trainer.report.charts import Plot, is_drawn, phase_seconds, plot_chart, plots_of, time_chart
from or1_trainer.report.read_run import RunRecord
from or1_trainer.report.series import Chart
from or1_trainer.report.svg import NUM_COLORS, draw


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Entry of a legend: label, color and dash of a line; without a color it stands for the lines of all runs."""

    label: str
    color: int | None = None
    dash: int = 0

    @property
    def css(self) -> str:
        """Classes of the line."""
        return f"{'soft' if self.color is None else f'c{self.color % NUM_COLORS}'} dash{self.dash}"


@dataclass(frozen=True, slots=True)
class Card:
    """One chart; the legend is shown where it has more than one entry."""

    title: str
    caption: str
    legend: list[Key]
    svg: str


def chart_cards(runs: Sequence[RunRecord]) -> list[Card]:
    """Draw all charts that have data, and the time per step of each run."""
    charts = ((plot, plot_chart(plot, runs)) for plot in plots_of(runs))
    drawn = ((plot, chart) for plot, chart in charts if is_drawn(plot, chart))
    cards = [Card(plot.title, plot.caption, _legend(chart, plot, runs), draw(chart)) for plot, chart in drawn]
    return cards + [_time_card(run, is_only=len(runs) == 1) for run in runs if phase_seconds(run)]


def _legend(chart: Chart, plot: Plot, runs: Sequence[RunRecord]) -> list[Key]:
    """One run: a key per line. Several: a key per dash; the page explains the colors."""
    if len(runs) == 1:
        return [Key(label=line.label, color=line.color, dash=line.dash) for line in chart.series]
    used = {line.dash for line in chart.series}
    return [Key(label=label, dash=dash) for dash, label in enumerate(plot.lines.values()) if dash in used]


def _time_card(run: RunRecord, *, is_only: bool) -> Card:
    chart = time_chart(run)
    sums = [sum(seconds for _, seconds in points) for points in phase_seconds(run).values()]
    shares = (seconds / sum(sums) for seconds in sums)
    labels = [f"{line.label} {share:.0%}" for line, share in zip(chart.series, shares, strict=True)]
    legend = [Key(label=label, color=line.color) for label, line in zip(labels, chart.series, strict=True)]
    return Card("Time per step" + ("" if is_only else f" of {run.name}"), "Seconds, by phase.", legend, draw(chart))
