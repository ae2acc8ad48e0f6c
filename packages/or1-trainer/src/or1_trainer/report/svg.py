"""Charts as inline SVG with tooltips.

Colors are CSS classes of the page (`c0` to `c7`), so that charts follow its light or dark theme. A value that is not
finite interrupts its line and is marked by a red cross on the axis.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from or1_trainer.report.series import MOST_POINTS, Band, Chart, Points, Series, moving_average, stacked, thinned

WIDTH, HEIGHT = 560, 240
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 10, 20, 26
_SMOOTH_FROM = 40
NUM_COLORS = 8


@dataclass(frozen=True, slots=True)
class _Frame:
    """Maps the range of the data to pixels."""

    x_low: float
    x_high: float
    y_low: float
    y_high: float

    def x(self, value: float) -> float:
        share = (value - self.x_low) / (self.x_high - self.x_low)
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = (value - self.y_low) / (self.y_high - self.y_low)
        return round(HEIGHT - _BOTTOM - share * (HEIGHT - _TOP - _BOTTOM), 1)


def draw(chart: Chart) -> str:
    """Draw a chart as one `<svg>` element; without finite values it says that nothing is logged yet."""
    series = [thinned(line) for line in chart.series]
    if chart.stacked:
        series = stacked(series)
    frame = _frame(series, chart)
    if frame is None:
        note = f'<text class="note" x="{WIDTH / 2}" y="34">nothing logged yet</text>'
        return f'<svg viewBox="0 0 {WIDTH} 60">{note}</svg>'
    lines = (_area(line, frame) for line in reversed(series)) if chart.stacked else (_line(s, frame) for s in series)
    parts = [*_bands(chart.bands, frame), *_axes(frame), *_targets(chart.targets, frame), *lines]
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img">{"".join(parts)}</svg>'


def ticks(low: float, high: float, most: int) -> list[float]:
    """Return at most `most` round numbers between `low` and `high`, 1, 2 or 5 times a power of ten apart."""
    span = high - low
    if not span > 0 or most < 2:
        return [low]
    power = 10.0 ** math.floor(math.log10(span / (most - 1)))
    gap = next(power * factor for factor in (1, 2, 5, 10) if span / (power * factor) <= most - 1)
    return [round(i * gap, 12) for i in range(math.ceil(low / gap - 1e-9), math.floor(high / gap + 1e-9) + 1)]


def _frame(series: Sequence[Series], chart: Chart) -> _Frame | None:
    xs = [x for line in series for x, _ in line.points]
    ys = [y for line in series for _, y in line.points if math.isfinite(y)]
    if not ys:
        return None
    ys += [bound for line in series for pair in line.intervals for bound in pair if math.isfinite(bound)]
    ys += [value for value, _ in chart.targets]
    low, high = min(0.0, *ys), max(0.0, *ys)
    if low == high:
        high = 1.0
    margin = 0.06 * (high - low)
    first, last = min(xs), max(xs)
    if first == last:
        first, last = first - 1, last + 1
    return _Frame(first, last, low - margin if low < 0 else 0.0, high + margin)


def _axes(frame: _Frame) -> Iterable[str]:
    for value in ticks(frame.y_low, frame.y_high, 6):
        y = frame.y(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text class="tick end" x="{_LEFT - 6}" y="{y + 3.5}">{value:g}</text>'
    for value in ticks(frame.x_low, frame.x_high, 9):
        if value == round(value):
            yield f'<text class="tick mid" x="{frame.x(value)}" y="{HEIGHT - 8}">{value:.0f}</text>'
    yield f'<text class="tick end" x="{_LEFT - 6}" y="{HEIGHT - 8}">step</text>'


def _bands(bands: Sequence[Band], frame: _Frame) -> Iterable[str]:
    for number, band in enumerate(bands):
        left = frame.x(max(band.first - 0.5, frame.x_low))
        right = frame.x(min(band.last + 0.5, frame.x_high))
        if right <= left:
            continue
        yield (
            f'<rect class="band{number % 2}" x="{left}" y="{_TOP - 14}" width="{right - left:.1f}" '
            f'height="{HEIGHT - _TOP - _BOTTOM + 14}"/>'
        )
        if right - left > 6 * len(band.label):
            yield f'<text class="tick mid" x="{(left + right) / 2:.1f}" y="{_TOP - 3}">{escape(band.label)}</text>'


def _targets(targets: Sequence[tuple[float, str]], frame: _Frame) -> Iterable[str]:
    for value, label in targets:
        y = frame.y(value)
        yield f'<line class="target" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        yield f'<text class="tick end" x="{WIDTH - _RIGHT - 2}" y="{y - 4}">{escape(label)}</text>'


def _line(series: Series, frame: _Frame) -> str:
    many = series.smoothed and len(series.points) >= _SMOOTH_FROM
    color = f"c{series.color % NUM_COLORS} dash{series.dash}"
    parts = [_path(series.points, frame, f"line {color}{' faint' if many else ''}")]
    if many:
        parts.append(_path(moving_average(series.points, len(series.points) // 12 | 1), frame, f"line {color}"))
    parts += _whiskers(series, frame, color)
    if len(series.points) <= MOST_POINTS // 2:
        parts += _dots(series, frame, color, radius=2.2 if len(series.points) < _SMOOTH_FROM else 0)
    parts += [_cross(frame.x(x)) for x, y in series.points if not math.isfinite(y)]
    return "".join(parts)


def _path(points: Points, frame: _Frame, css: str) -> str:
    commands, pen = [], "M"
    for x, y in points:
        if math.isfinite(y):
            commands.append(f"{pen}{frame.x(x)} {frame.y(y)}")
        pen = "L" if math.isfinite(y) else "M"
    return f'<path class="{css}" d="{"".join(commands)}"/>'


def _dots(series: Series, frame: _Frame, color: str, radius: float) -> Iterable[str]:
    """A dot with a tooltip per point; radius 0 hides the dot and keeps the tooltip."""
    for x, y in series.points:
        if math.isfinite(y):
            at = f'cx="{frame.x(x)}" cy="{frame.y(y)}"'
            shown = f'<circle class="fill {color}" {at} r="{radius}"/>' if radius else ""
            yield (
                f'<g>{shown}<circle class="hover" {at} r="6"/>'
                f"<title>step {x:.0f} · {escape(series.label)} {y:.4g}</title></g>"
            )


def _whiskers(series: Series, frame: _Frame, color: str) -> Iterable[str]:
    for (x, _), (low, high) in zip(series.points, series.intervals, strict=False):
        if math.isfinite(low) and math.isfinite(high):
            at = frame.x(x)
            yield f'<line class="line {color}" x1="{at}" x2="{at}" y1="{frame.y(low)}" y2="{frame.y(high)}"/>'


def _area(series: Series, frame: _Frame) -> str:
    """The area below a stacked line; drawn from the top one down, each leaves its own part visible."""
    tops = [f"{frame.x(x)} {frame.y(y)}" for x, y in series.points]
    if len(tops) == 1:  # one step has no width: draw a block
        y = frame.y(series.points[0][1])
        tops = [f"{_LEFT} {y}", f"{WIDTH - _RIGHT} {y}"]
    first, last = tops[0].split()[0], tops[-1].split()[0]
    floor = frame.y(0.0)
    return (
        f'<path class="fill c{series.color % NUM_COLORS}" d="M{first} {floor}L{"L".join(tops)}L{last} {floor}Z">'
        f"<title>{escape(series.label)}</title></path>"
    )


def _cross(x: float) -> str:
    y = HEIGHT - _BOTTOM
    strokes = f"M{x - 3} {y - 3}L{x + 3} {y + 3}M{x + 3} {y - 3}L{x - 3} {y + 3}"
    return f'<path class="bad" d="{strokes}"><title>not finite</title></path>'
