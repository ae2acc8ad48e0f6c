"""Data of a chart: lines, and their points thinned, smoothed or stacked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

MOST_POINTS = 500
"""Most points of a line; a screen shows no more."""

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One line: points (step, value), color, and optionally an interval (low, high) for every point."""

    label: str
    points: Points
    color: int = 0
    dash: int = 0
    """0 a solid line, 1 dashes, 2 dots."""
    intervals: Sequence[tuple[float, float]] = ()
    smoothed: bool = True
    """Also draw a moving average, over faint points, where there are 40 or more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """A shaded range of steps, first and last included: one context stage."""

    first: float
    last: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """All data of one chart; `stacked` adds the series up."""

    series: Sequence[Series]
    bands: Sequence[Band] = ()
    targets: Sequence[tuple[float, str]] = ()
    stacked: bool = False


def moving_average(points: Points, window: int) -> list[tuple[float, float]]:
    """Centered moving average over up to `window` points, fewer at the ends; skips values that are not finite."""
    finite = [(x, y) for x, y in points if math.isfinite(y)]
    half = window // 2
    parts = [finite[max(0, i - half) : i + half + 1] for i in range(len(finite))]
    return [(x, sum(y for _, y in part) / len(part)) for (x, _), part in zip(finite, parts, strict=True)]


def thinned(series: Series) -> Series:
    """Average equal numbers of steps to at most 500 points."""
    every = -(-len(series.points) // MOST_POINTS)
    if every <= 1 or series.intervals:
        return series
    chunks = [series.points[i : i + every] for i in range(0, len(series.points), every)]
    return replace(series, points=[(chunk[-1][0], sum(y for _, y in chunk) / len(chunk)) for chunk in chunks])


def stacked(series: Sequence[Series]) -> list[Series]:
    """Add to each line the ones before it, at every step of any of them; a missing value counts 0."""
    steps = sorted({x for line in series for x, _ in line.points})
    heights = dict.fromkeys(steps, 0.0)
    raised = []
    for line in series:
        for x, y in line.points:
            heights[x] += y if math.isfinite(y) else 0.0
        raised.append(replace(line, points=[(x, heights[x]) for x in steps]))
    return raised
