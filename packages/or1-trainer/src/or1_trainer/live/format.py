"""Numbers (sparkline, trend, duration) as text for the terminal."""

from __future__ import annotations

import itertools
import statistics

_BARS = "▁▂▃▄▅▆▇█"


def sparkline(values: list[float], width: int) -> str:
    """Draw `values` as at most `width` block characters from ▁ (lowest) to █ (highest), each the mean of a bin.

    Values that are not finite give a gap, equal values a flat line in the middle.
    """
    if not values or width < 1:
        return ""
    width = min(width, len(values))
    edges = [i * len(values) // width for i in range(width + 1)]
    means = [statistics.fmean(values[low:high]) for low, high in itertools.pairwise(edges)]
    finite = [mean for mean in means if abs(mean) < float("inf")]
    if not finite:
        return " " * width
    low, span = min(finite), max(finite) - min(finite)
    return "".join(_bar((mean - low) / span if span else 0.5) for mean in means)


def _bar(share: float) -> str:
    return _BARS[min(int(share * len(_BARS)), len(_BARS) - 1)] if 0.0 <= share <= 1.0 else " "


def trend(values: list[float], steps: int = 10) -> float | None:
    """Return the mean of the last `steps` values minus that of the `steps` before; None with too few values."""
    if len(values) < 2 * steps:
        return None
    return statistics.fmean(values[-steps:]) - statistics.fmean(values[-2 * steps : -steps])


def duration(seconds: float) -> str:
    """Format seconds: `8s`, `1m05s`, `2h07m`, `3d04h`."""
    whole = round(seconds)
    for size, unit, below, below_unit in ((86400, "d", 3600, "h"), (3600, "h", 60, "m"), (60, "m", 1, "s")):
        if whole >= size:
            return f"{whole // size}{unit}{whole % size // below:02d}{below_unit}"
    return f"{whole}s"
