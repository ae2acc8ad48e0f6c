"""Text output of `or1-trainer rehearse`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.memory import GB
from or1_trainer.rehearse.memory import Peak
from or1_trainer.rehearse.stages import PER_MICROBATCH, PHASES, Rehearsal

STATE = ("weights", "gradients", "optimizer", "reference")
NOTES = """\
Traced without a GPU, in micro-batches of full length. Seconds: 0.7 of the peak for products, 0.8 of the
memory bandwidth, communication not overlapped; assumed, not measured. The engine's memory is not traced."""


def rehearsal_text(title: str, gpu: Gpu, layout: Layout, stages: Sequence[Rehearsal], left_out: Sequence[str]) -> str:
    """Return the text for the terminal; `left_out`: what the recipe has and a rehearsal does not count."""
    head = f"{title} on {layout.gpus} {gpu.name}: tensor {layout.tensor} x data {layout.data}"
    told = [f"Not counted: {line}." for line in left_out]
    return "\n".join([head, *(line for stage in stages for line in _stage(stage)), "", NOTES, *told])


def _stage(found: Rehearsal) -> Iterable[str]:
    fits = "fits" if found.peak_gb <= found.room_gb else "DOES NOT FIT"
    yield ""
    yield (
        f"stage {found.number}, {found.stage.context_tokens} tokens of context: peak {found.peak_gb:.1f} GB of "
        f"{found.room_gb:.0f} GB, {fits}" + (", fine-tuning" if found.stage.kind == "sft" else "")
    )
    yield from (f"  fits (by plan) with {way}" for way in found.remedies)
    yield from memory_table(found)
    yield ""
    yield from work_table(found)
    yield ""
    yield from collective_table(found)
    if found.findings:
        yield from ("", "found:", *(f"  {line}" for line in found.findings))


def holders_of(peaks: Sequence[Peak], least: float) -> list[str]:
    """What holds more than `least` bytes of any of these peaks; first what stays over the step."""
    held = {name for peak in peaks for name, size in peak.by_holder.items() if size > least}
    return [*(name for name in STATE if name in held), *sorted(held - set(STATE))]


def memory_table(found: Rehearsal) -> list[str]:
    """GB at the peak of each phase, by what holds them."""
    peaks = found.traced.phase_peaks()
    holders = holders_of([peak for _, peak in peaks.values()], 0.05 * GB)
    rows = [["GB", "peak", *holders, "where"]]
    for phase in PHASES:
        if phase in peaks:
            place, peak = peaks[phase]
            rows.append(
                [phase, f"{peak.total / GB:.1f}", *(_gb(peak.by_holder.get(name, 0)) for name in holders), place]
            )
    return _table(rows)


def work_table(found: Rehearsal) -> list[str]:
    """Per phase of one step on one GPU: FLOPs, memory traffic, seconds of kernels and of communication."""
    rows = [["per step", "times", "products PFLOP", "attention PFLOP", "moved TB", "kernels s", "communication s"]]
    seconds = found.seconds()
    for phase, taken in seconds.items():
        work, factor = found.traced.work[phase], found.factor(phase)
        cells = (work.matmul_flops / 1e15, work.attention_flops / 1e15, work.bytes / 1e12)
        times = str(found.microbatches) if phase in PER_MICROBATCH else "1"
        rows.append([phase, times, *(f"{factor * cell:.2f}" for cell in cells), *(f"{cell:.2f}" for cell in taken)])
    rows.append(["all", "", "", "", "", *(f"{sum(column):.2f}" for column in zip(*seconds.values(), strict=True))])
    return _table(rows)


def collective_table(found: Rehearsal) -> list[str]:
    """Count, bytes and group of every collective of one step."""
    rows = [["collective", "group", "phase", "count", "GB", "s"]]
    for kind, (count, size, seconds) in sorted(found.traced.collectives.items(), key=lambda item: -item[1][2]):
        if kind.phase != "build":
            factor = found.factor(kind.phase)
            numbers = f"{factor * count:.0f}", f"{factor * size / GB:.3g}", f"{factor * seconds:.3g}"
            rows.append([kind.operation, kind.group, kind.phase, *numbers])
    return _table(rows)


def _gb(size: int) -> str:
    return f"{size / GB:.1f}" if size > 0.05 * GB else ""


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    first, *rest = (max(map(len, column)) for column in zip(*rows, strict=True))
    return [
        "  ".join([row[0].ljust(first), *(cell.rjust(width) for cell, width in zip(row[1:], rest, strict=True))])
        for row in rows
    ]
