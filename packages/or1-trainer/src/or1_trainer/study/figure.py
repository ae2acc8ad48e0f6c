"""Entropy and held-out accuracy over steps, all seeds, as one SVG file that stands alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from importlib import resources

from or1_trainer.report.series import Chart, Series
from or1_trainer.report.svg import HEIGHT, WIDTH, draw
from or1_trainer.study.stored import StoredRun

_NUM_COLOURS = 8
_TITLE, _LEGEND_ROW, _LEGEND_COLUMNS = 26, 18, 2
_MOST_POINTS = 60
_SMOOTHED = False
_HOVER = re.compile(r'<g>(<circle class="fill[^>]*/>)?<circle class="hover".*?</g>')
"""A picture in a page shows no tooltips: they would be most of the file."""
_RULES = (".mid {", ".end {", ".note {", ".grid {", ".line {", ".faint {", ".hover {", ".target {", ".bad {")


def study_figure(runs: Mapping[str, Sequence[StoredRun]]) -> str:
    """Two charts under each other and a legend of the arms; every seed is a line of its arm's colour."""
    parts = [
        _panel("Rollout entropy, nats", Chart(series=_entropy(runs)), 0),
        _panel("Held-out accuracy, avg@k", Chart(series=_accuracy(runs)), _TITLE + HEIGHT),
    ]
    top = 2 * (_TITLE + HEIGHT)
    rows = -(-len(runs) // _LEGEND_COLUMNS)
    height = top + _LEGEND_ROW * rows + 10
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="system-ui,sans-serif">'
        f"<style>{_style()}</style>"
        f'<rect width="{WIDTH}" height="{height}" fill="var(--card)"/>{"".join(parts)}'
        f"{_legend(list(runs), top)}</svg>\n"
    )


def _entropy(runs: Mapping[str, Sequence[StoredRun]]) -> list[Series]:
    return [
        Series(
            label=f"{arm}, run {number + 1}",
            points=_binned([(s + 1.0, v) for s, v in enumerate(run.series.get("entropy", [])) if v is not None]),
            colour=colour,
            smoothed=_SMOOTHED,
        )
        for colour, (arm, seeds) in enumerate(runs.items())
        for number, run in enumerate(seeds)
    ]


def _binned(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """At most `_MOST_POINTS`: means over equal runs of steps, at their middle; a dozen lines stay apart."""
    every = max(1, -(-len(points) // _MOST_POINTS))
    chunks = [points[i : i + every] for i in range(0, len(points), every)]
    return [(sum(x for x, _ in c) / len(c), sum(y for _, y in c) / len(c)) for c in chunks]


def _accuracy(runs: Mapping[str, Sequence[StoredRun]]) -> list[Series]:
    return [
        Series(
            label=f"{arm}, run {number + 1}",
            points=[(float(step), value) for step, value in zip(run.eval_steps, run.accuracies, strict=True)],
            colour=colour,
            smoothed=_SMOOTHED,
        )
        for colour, (arm, seeds) in enumerate(runs.items())
        for number, run in enumerate(seeds)
    ]


def _panel(title: str, chart: Chart, top: int) -> str:
    inner = _HOVER.sub(r"\1", draw(chart)).replace(
        "<svg ", f'<svg x="0" y="{top + _TITLE}" width="{WIDTH}" height="{HEIGHT}" ', 1
    )
    return f'<text class="title" x="10" y="{top + 18}">{escape(title)}</text>{inner}'


def _legend(arms: Sequence[str], top: int) -> str:
    parts = []
    for number, arm in enumerate(arms):
        x = 14 + (number % _LEGEND_COLUMNS) * (WIDTH // _LEGEND_COLUMNS)
        y = top + _LEGEND_ROW * (number // _LEGEND_COLUMNS) + 12
        parts.append(
            f'<line class="line c{number % _NUM_COLOURS}" x1="{x}" x2="{x + 18}" y1="{y - 4}" y2="{y - 4}"/>'
            f'<text x="{x + 24}" y="{y}">{escape(arm)}</text>'
        )
    return "".join(parts)


def _style() -> str:
    """Colours and strokes of `watch/report.css` that a chart uses; the page's own rules would reach into the file."""
    css = resources.files("or1_trainer.report").joinpath("report.css").read_text(encoding="utf-8")
    themes = css[css.index(":root") : css.index("* {")].replace(":root", "svg")
    charts = "".join(css[css.index(rule) : css.index("}", css.index(rule)) + 1] for rule in _RULES)
    colours = "".join(
        f".c{i}{{stroke:var(--c{i})}}.fill.c{i}{{fill:var(--c{i});stroke:none}}" for i in range(_NUM_COLOURS)
    )
    own = ".line{stroke-width:1.3}text{font-size:11px;fill:var(--soft)}.title{font-size:14px;fill:var(--ink)}"
    return themes + charts + colours + own
