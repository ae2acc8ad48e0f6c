"""What a chart shows, before it is drawn: its lines, and their points thinned, smoothed or piled up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

MOST_POINTS = 500
"""Of a line; a screen shows no more."""

NEUTRAL = -1
"""The colour of text, for what stands for every run."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line: its points (step, value), its colour, and perhaps an interval (low, high) for every point."""

    label: str
    points: Points
    colour: int = 0
    dash: int = 0
    """0 a solid line, 1 dashes, 2 dots."""
    intervals: Sequence[tuple[float, float]] = ()
    smoothed: bool = True
    """Draw a moving average over the faint points, where there are 40 or more of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A shaded range of steps, first and last included: one context stage."""

    first: float
    last: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """Everything one chart shows; `stacked` piles the series up instead of laying them over each other."""

    series: Sequence[Series]
    bands: Sequence[Band] = ()
    targets: Sequence[tuple[float, str]] = field(default=())
    stacked: bool = False


def moving_average(points: Points, window: int) -> list[tuple[float, float]]:
    """Centred moving average over up to `window` points; the ends use what there is; not finite values are left out."""
    finite = [(x, y) for x, y in points if math.isfinite(y)]
    sums = [0.0]
    for _, y in finite:
        sums.append(sums[-1] + y)
    half = window // 2
    averaged = []
    for i, (x, _) in enumerate(finite):
        low, high = max(0, i - half), min(len(finite), i + half + 1)
        averaged.append((x, (sums[high] - sums[low]) / (high - low)))
    return averaged


def thinned(series: Series) -> Series:
    """At most 500 points: means over equal runs of steps (a screen shows no more)."""
    every = -(-len(series.points) // MOST_POINTS)
    if every <= 1 or series.intervals:
        return series
    chunks = [series.points[i : i + every] for i in range(0, len(series.points), every)]
    points = [(chunk[-1][0], sum(y for _, y in chunk) / len(chunk)) for chunk in chunks]
    return Series(label=series.label, points=points, colour=series.colour, dash=series.dash, smoothed=series.smoothed)


def stacked(series: Sequence[Series]) -> list[Series]:
    """Each line raised by those before it, at every step that any of them has; a missing value counts 0."""
    steps = sorted({x for line in series for x, _ in line.points})
    heights = dict.fromkeys(steps, 0.0)
    raised = []
    for line in series:
        for x, y in line.points:
            heights[x] += y if math.isfinite(y) else 0.0
        raised.append(Series(label=line.label, points=[(x, heights[x]) for x in steps], colour=line.colour))
    return raised
