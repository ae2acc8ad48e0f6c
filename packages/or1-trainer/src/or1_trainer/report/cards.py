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


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One chart; the legend is shown where it has more than one entry."""

    title: str
    caption: str
    legend: list[Key]
    svg: str


def chart_cards(runs: Sequence[RunRecord]) -> list[Card]:
    """Draw all charts that have data, and the time per step of each run."""
    drawn = [(plot, plot_chart(plot, runs)) for plot in plots_of(runs)]
    cards = [
        Card(title=plot.title, caption=plot.caption, legend=_legend(chart, plot, runs), svg=draw(chart))
        for plot, chart in drawn
        if is_drawn(plot, chart)
    ]
    return cards + [_time_card(run, is_only=len(runs) == 1) for run in runs if phase_seconds(run)]


def _legend(chart: Chart, plot: Plot, runs: Sequence[RunRecord]) -> list[Key]:
    """One run: a key per line. Several: a key per dash; the page explains the colors."""
    if len(runs) == 1:
        return [Key(label=line.label, color=line.color, dash=line.dash) for line in chart.series]
    used = {line.dash for line in chart.series}
    return [Key(label=label, dash=dash) for dash, (_, label) in enumerate(plot.lines) if dash in used]


def _time_card(run: RunRecord, *, is_only: bool) -> Card:
    chart = time_chart(run)
    sums = [sum(seconds for _, seconds in points) for points in phase_seconds(run).values()]
    shares = [seconds / sum(sums) for seconds in sums]
    return Card(
        title="Time per step" + ("" if is_only else f" of {run.name}"),
        caption="Seconds, by phase.",
        legend=[
            Key(label=f"{line.label} {share:.0%}", color=line.color)
            for line, share in zip(chart.series, shares, strict=True)
        ],
        svg=draw(chart),
    )
