"""From two shallow traces to the whole depth.

Layers are alike. While one of them runs, memory is that of this layer and what the others hold: at the same operation
of the first layer, and of the last, it grows by the same bytes with each further layer; so do sums of work and of
communication. Two traces give the line. What is no line: the padding of Megatron's flat buffers (kilobytes); and, with
several data-parallel ranks, which whole weights lie in this rank's share: the peaks of building and stepping the
optimizer, which those of a micro-batch exceed, are estimates there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, dataclass
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
    collectives: dict[Collective, list[float]]
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
    peaks = {
        (phase, places[place] if isinstance(place, int) else place): peak
        for (phase, place), peak in trace.memory.peaks.items()
        if not isinstance(place, int) or place in places
    }
    return Traced(layers=layers, peaks=peaks, work=trace.work, collectives=trace.collectives)


def scaled(small: Traced, large: Traced, layers: int) -> Traced:
    """The line through two traces, at this many layers."""
    share = (layers - small.layers) / (large.layers - small.layers)
    return Traced(
        layers=layers,
        peaks={key: peak_on_line(small.peaks.get(key, peak), peak, share) for key, peak in large.peaks.items()},
        work={
            phase: Work(*on_line(astuple(small.work.get(phase, Work())), astuple(work), share))  # type: ignore[arg-type]
            for phase, work in large.work.items()
        },
        collectives={
            kind: on_line(small.collectives.get(kind, (0, 0.0, 0.0)), entry, share)
            for kind, entry in large.collectives.items()
        },
    )


def on_line(before: Sequence[float], after: Sequence[float], share: float) -> list[float]:
    """The points at this share of the way between two, or beyond."""
    return [one + share * (other - one) for one, other in zip(before, after, strict=True)]


def peak_on_line(before: Peak, after: Peak, share: float) -> Peak:
    """`on_line` of all that is held."""
    names = list(after.by_holder | before.by_holder)
    first, second = ([peak.by_holder.get(name, 0) for name in names] for peak in (before, after))
    held = dict(zip(names, map(round, on_line(first, second, share)), strict=True))
    return Peak(sum(held.values()), held)
