"""The two charts of the report as inline SVG."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence

from or1_eval.report import ProblemResult

WIDTH, HEIGHT, LEFT, BELOW = 900, 180, 40, 24
NUM_BINS = 40


def accuracy_chart(problems: Sequence[ProblemResult]) -> str:
    """One bar per problem, hardest first; hovering names it."""
    ordered = sorted((p for p in problems if p.num_graded), key=lambda p: (p.accuracy, p.id))
    step = (WIDTH - LEFT) / max(len(ordered), 1)
    bars = [
        _bar(LEFT + i * step, step * 0.9, p.accuracy * HEIGHT, 0, "right", f"{p.id}: {p.num_correct} of {p.num_graded}")
        for i, p in enumerate(ordered)
    ]
    ticks = [_left_label(HEIGHT * (1 - share), f"{share:.0%}") for share in (0, 0.5, 1)]
    return _svg("Accuracy of each problem, hardest first", [*ticks, *bars])


def length_chart(problems: Sequence[ProblemResult]) -> str:
    """Histogram of the response lengths, right answers below, others above."""
    lengths = [
        (n, reward == 1.0) for p in problems for n, reward in zip(p.num_tokens, p.rewards, strict=True) if n >= 0
    ]
    if not lengths:
        return "<p>The engine did not count tokens.</p>"
    longest = max(n for n, _ in lengths)
    size = max(1, math.ceil((longest + 1) / NUM_BINS))
    counts = [[0, 0] for _ in range(longest // size + 1)]
    for n, right in lengths:
        counts[n // size][0 if right else 1] += 1
    scale = HEIGHT / max(map(sum, counts))
    step = (WIDTH - LEFT) / len(counts)
    bars = []
    for i, (solved, other) in enumerate(counts):
        said = f"{i * size} to {(i + 1) * size - 1} tokens: {solved} right, {other} not"
        bars.append(_bar(LEFT + i * step, step * 0.9, solved * scale, 0, "right", said))
        bars.append(_bar(LEFT + i * step, step * 0.9, other * scale, solved * scale, "wrong", said))
    labels = [
        f'<text x="{LEFT + share * (WIDTH - LEFT):.0f}" y="{HEIGHT + 16}" text-anchor="middle">'
        f"{share * len(counts) * size:,.0f}</text>"
        for share in (0, 0.25, 0.5, 0.75)
    ]
    return _svg(
        "Tokens per response; dark: right, light: not", [_left_label(0, str(max(map(sum, counts)))), *labels, *bars]
    )


def _bar(x: float, width: float, height: float, base: float, kind: str, said: str) -> str:
    shown = max(height, 0.5 if kind == "right" and base == 0 else 0)
    return (
        f'<rect class="{kind}" x="{x:.1f}" y="{HEIGHT - base - height:.1f}" width="{max(width, 0.5):.1f}" '
        f'height="{shown:.1f}"><title>{html.escape(said)}</title></rect>'
    )


def _left_label(y: float, text: str) -> str:
    return f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{text}</text>'


def _svg(label: str, parts: Sequence[str]) -> str:
    return (
        f'<figure><svg viewBox="0 -8 {WIDTH} {HEIGHT + BELOW + 8}" role="img" aria-label="{html.escape(label)}">'
        f"{''.join(parts)}</svg><figcaption>{html.escape(label)}</figcaption></figure>"
    )
