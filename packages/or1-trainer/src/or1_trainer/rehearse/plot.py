"""Memory over a step as a stacked plot: one column for each layer of each phase, in the order of the step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from or1_trainer.plan.memory import GB
from or1_trainer.rehearse.memory import Peak
from or1_trainer.rehearse.page import holders_of
from or1_trainer.rehearse.scale import FIRST, LAST, Traced, peak_on_line

WIDTH, HEIGHT, LEFT, TOP, LINE = 900, 420, 50, 20, 16
COLORS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#e45756", "#72b7b2", "#eeca3b", "#ff9da6", "#9d755d", "#bab0ac")
ORDER = ("build", "log-probs", "forward", "backward", "offload", "step", "push")

Column = tuple[str, Peak]
"""Phase, and the peak of one layer, or of what lies around the layers."""


def columns(whole: Traced) -> list[Column]:
    """The step's spans; layers between the first and the last lie on a line between them."""
    found: list[Column] = []
    for phase in ORDER:
        spans = {place: peak for (name, place), peak in whole.peaks.items() if name == phase}
        if not spans:  # fine-tuning has no log-probs before the update, and an optimizer need not be offloaded
            continue
        if FIRST not in spans or LAST not in spans:
            found.append((phase, max(spans.values(), key=lambda peak: peak.total)))
            continue
        ends = (LAST, FIRST) if phase == "backward" else (FIRST, LAST)
        shares = [index / max(whole.layers - 1, 1) for index in range(whole.layers)]
        layers = [peak_on_line(spans[ends[0]], spans[ends[1]], share) for share in shares]
        peaks = spans.get("before"), *layers, spans.get("after")
        found += [(phase, peak) for peak in peaks if peak is not None]
    return found


def plot(title: str, whole: Traced, room_gb: float) -> str:
    """Return a stand-alone SVG; a dashed line shows what the GPU has."""
    spans = columns(whole)
    holders = holders_of([peak for _, peak in spans], 0.01 * whole.peak.total)
    top_gb = 1.05 * max(whole.peak.total / GB, room_gb if room_gb < 2 * whole.peak.total / GB else 0.0)
    body = [*_bars(spans, holders, top_gb), *_phases(spans), *_axis(top_gb, room_gb), *_legend(holders)]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT + 70}" '
        f'font-family="sans-serif" font-size="11"><text x="{LEFT}" y="13">{escape(title)}</text>{"".join(body)}</svg>'
    )


def _bars(spans: Sequence[Column], holders: Sequence[str], top_gb: float) -> Iterator[str]:
    width, scale = (WIDTH - LEFT) / len(spans), (HEIGHT - TOP) / top_gb / GB
    for number, (phase, peak) in enumerate(spans):
        floor = float(HEIGHT)
        for index, name in enumerate(holders):
            height = peak.by_holder.get(name, 0) * scale
            floor -= height
            if height > 0.1:
                yield (
                    f'<rect x="{LEFT + number * width:.1f}" y="{floor:.1f}" width="{width + 0.3:.1f}" '
                    f'height="{height:.1f}" fill="{COLORS[index % len(COLORS)]}">'
                    f"<title>{escape(phase)}: {escape(name)} {peak.by_holder[name] / GB:.2f} GB</title></rect>"
                )


def _phases(spans: Sequence[Column]) -> Iterator[str]:
    width, names = (WIDTH - LEFT) / len(spans), [phase for phase, _ in spans]
    for phase in dict.fromkeys(names):
        first, count = names.index(phase), names.count(phase)
        x = LEFT + first * width
        yield f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{HEIGHT}" stroke="#fff"/>'
        anchor, turn = ("middle", "") if count > 1 else ("end", f' transform="rotate(-45 {x:.1f} {HEIGHT + 14})"')
        place = x + count * width / 2 if count > 1 else x
        yield f'<text x="{place:.1f}" y="{HEIGHT + 14}" text-anchor="{anchor}"{turn}>{phase}</text>'


def _axis(top_gb: float, room_gb: float) -> Iterator[str]:
    def y(gb: float) -> float:
        return HEIGHT - gb / top_gb * (HEIGHT - TOP)

    step = next(step for step in (1, 2, 5, 10, 20, 50, 100, 10**6) if top_gb / step <= 10)
    for mark in range(0, int(top_gb) + 1, step):
        yield f'<text x="{LEFT - 6}" y="{y(mark) + 4:.1f}" text-anchor="end">{mark}</text>'
    if room_gb <= top_gb:
        at = f'y1="{y(room_gb):.1f}" y2="{y(room_gb):.1f}"'
        yield f'<line x1="{LEFT}" x2="{WIDTH}" {at} stroke="#000" stroke-dasharray="6 4"/>'
    yield f'<text x="{LEFT - 6}" y="{TOP - 4}" text-anchor="end">GB</text>'


def _legend(holders: Sequence[str]) -> Iterator[str]:
    for index, name in enumerate(holders):
        x, y = LEFT + (index % 5) * 165, HEIGHT + 35 + LINE * (index // 5)
        yield f'<rect x="{x}" y="{y - 9}" width="10" height="10" fill="{COLORS[index % len(COLORS)]}"/>'
        yield f'<text x="{x + 14}" y="{y}">{escape(name)}</text>'
