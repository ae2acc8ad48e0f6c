"""From two shallow traces to the whole depth.

Layers are alike. While one of them runs, memory is that of this layer and what the others hold: at the same operation
of the first layer, and of the last, it grows by the same bytes with each further layer; so do sums of work and of
communication. Two traces give the line. What is no line: the padding of Megatron's flat buffers (kilobytes); and, with
several data-parallel ranks, which whole weights lie in this rank's share: the peaks of building and stepping the
optimizer, which those of a micro-batch exceed, are estimates there.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, fields
from typing import Final

from or1_trainer.rehearse.collectives import Collective
from or1_trainer.rehearse.memory import Peak
from or1_trainer.rehearse.trace import Trace, Work

DEPTHS: Final = (2, 3)
"""Layers of the two traces."""
FIRST, LAST = "first layer", "last layer"


@dataclass(frozen=True, slots=True, kw_only=True)
class Traced:
    """A whole step on one GPU: peaks by (phase, place), work and collectives by phase."""

    layers: int
    peaks: dict[tuple[str, str], Peak]
    work: dict[str, Work]
    collectives: dict[Collective, tuple[float, float, float]]
    """Count, bytes, seconds."""

    @property
    def peak(self) -> Peak:
        """The largest of all."""
        return max(self.peaks.values(), key=lambda peak: peak.total)

    def phase_peaks(self) -> dict[str, tuple[str, Peak]]:
        """Phase -> where its peak is, and the peak."""
        found: dict[str, tuple[str, Peak]] = {}
        for (phase, place), peak in self.peaks.items():
            if phase not in found or peak.total > found[phase][1].total:
                found[phase] = place, peak
        return found


def traced(trace: Trace, layers: int) -> Traced:
    """A trace of this many layers, of which the first and the last are kept."""
    places = {0: FIRST, layers - 1: LAST}
    peaks: dict[tuple[str, str], Peak] = {}
    for (phase, place), peak in trace.memory.peaks.items():
        if not isinstance(place, int) or place in places:
            peaks[phase, places[place] if isinstance(place, int) else place] = peak
    collectives = {kind: (entry[0], entry[1], entry[2]) for kind, entry in trace.collectives.items()}
    return Traced(layers=layers, peaks=peaks, work=dict(trace.work), collectives=collectives)


def scaled(small: Traced, large: Traced, layers: int) -> Traced:
    """The line through two traces, at this many layers."""
    share = (layers - large.layers) / (large.layers - small.layers)

    def line(before: float, after: float) -> float:
        return after + share * (after - before)

    def peak(before: Peak, after: Peak) -> Peak:
        names = [*after.by_holder, *(name for name in before.by_holder if name not in after.by_holder)]
        pairs = {name: (before.by_holder.get(name, 0), after.by_holder.get(name, 0)) for name in names}
        return Peak(round(line(before.total, after.total)), {name: round(line(*pair)) for name, pair in pairs.items()})

    work = defaultdict(Work, small.work)
    none = 0.0, 0.0, 0.0
    return Traced(
        layers=layers,
        peaks={key: peak(small.peaks.get(key, after), after) for key, after in large.peaks.items()},
        work={
            phase: Work(**{f.name: line(getattr(work[phase], f.name), getattr(after, f.name)) for f in fields(Work)})  # type: ignore[arg-type]
            for phase, after in large.work.items()
        },
        collectives={
            kind: (line(b[0], a[0]), line(b[1], a[1]), line(b[2], a[2]))
            for kind, a in large.collectives.items()
            for b in (small.collectives.get(kind, none),)
        },
    )
