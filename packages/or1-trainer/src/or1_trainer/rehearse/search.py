"""Search over layouts: the fastest that fits, and why the others are slower or do not fit.

Searched: the tensor-parallel size (the rest is data-parallel), recomputation, the tokens of a micro-batch, and the
offloading of the optimizer where a layout does not fit without it. Not searched, because not built: pipeline and
context parallelism.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from msgspec.structs import replace

from or1_trainer.config.schema import RunConfig
from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.layout import Layout, layouts
from or1_trainer.plan.memory import RUNTIME_GB, memory_of
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.shape import Shape
from or1_trainer.rehearse.stages import Rehearsal, rehearse, room_gb

MARGIN = 1.05
"""Not traced is what needs this much more than there is by `plan`, which agrees with traces within 2%."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One layout, rehearsed on the stage with the longest context."""

    config: RunConfig
    data: int
    peak_gb: float
    """Traced, or by `plan` where it was not traced."""
    rehearsal: Rehearsal | None
    """None where `plan` rules it out."""

    @property
    def name(self) -> str:
        """The settings."""
        recompute = "recompute" if self.config.batch.recompute else "no recompute"
        offload = ", offload" if self.config.optimizer.offload else ""
        layout = f"tensor {self.config.parallel.tensor} x data {self.data}"
        return f"{layout}, {recompute}, {self.config.batch.microbatch_tokens} tokens{offload}"

    @property
    def seconds(self) -> float:
        """Of a step without the rollout."""
        return sum(map(sum, self.rehearsal.seconds().values())) if self.rehearsal else 0.0

    def fits(self, room: float) -> bool:
        """Whether the trainer's peak is within `room` GB."""
        return self.rehearsal is not None and self.peak_gb <= room


def search(config: RunConfig, gpu: Gpu, *, gpus: int, prompt_tokens: int) -> list[Candidate]:
    """All layouts: those that fit, fastest first, then the others by what they need."""
    longest = max(config.stages, key=lambda stage: stage.context_tokens)
    shape, room = Shape.of(model_config(config)), room_gb(config, gpu)
    found = []
    for settings, layout in _variants(replace(config, stages=(longest,)), shape, gpus):
        for offload in (False, True):  # which only costs time where a layout fits without
            changed = replace(settings, optimizer=replace(settings.optimizer, offload=offload))
            peak_gb = memory_of(shape, changed, layout, gpu, longest.context_tokens).while_training - RUNTIME_GB
            traced = None
            if peak_gb <= MARGIN * room:
                (traced,) = rehearse(changed, gpu, gpus=gpus, prompt_tokens=prompt_tokens)
                peak_gb = traced.peak_gb
            found.append(Candidate(config=changed, data=layout.data, peak_gb=peak_gb, rehearsal=traced))
            if found[-1].fits(room):
                break
    return sorted(found, key=lambda c: (not c.fits(room), c.seconds if c.fits(room) else c.peak_gb))


def _variants(config: RunConfig, shape: Shape, gpus: int) -> Iterator[tuple[RunConfig, Layout]]:
    for layout, recompute, factor in product(layouts(shape, gpus), (False, True), (1, 2)):
        tokens = factor * config.batch.microbatch_tokens
        batch = replace(config.batch, recompute=recompute, microbatch_tokens=tokens)
        parallel = replace(config.parallel, tensor=layout.tensor, data=0, sequence=layout.tensor > 1)
        yield replace(config, batch=batch, parallel=parallel), layout


def search_text(found: Sequence[Candidate], room: float) -> str:
    """A line for each layout, with the reason why it is not the first."""
    lines = [f"trainer's peak in GB of {room:.0f}, and seconds of a step without the rollout:"]
    for candidate in found:
        seconds, why = "", f"lacks {candidate.peak_gb - room:.0f} GB{_most(candidate.rehearsal)}"
        if candidate.fits(room):
            seconds = f"{candidate.seconds:.1f} s"
            why = "fastest" if candidate is found[0] else f"+{candidate.seconds / found[0].seconds - 1:.1%}"
        lines.append(f"{candidate.name:<55}{candidate.peak_gb:8.1f}{seconds:>10}  {why}")
    return "\n".join(lines)


def _most(rehearsal: Rehearsal | None) -> str:
    if rehearsal is None:
        return " (by plan)"
    name, size = max(rehearsal.traced.peak.by_holder.items(), key=lambda held: held[1])
    return f"; most is {name}, {size / 1e9:.0f} GB"
