"""Wall time of the phases of a step; and for those who look closer, a torch.profiler trace and OpenTelemetry spans.

Traces are for chrome://tracing and ui.perfetto.dev.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch._C._profiler import _ExperimentalConfig
from torch.profiler import ProfilerActivity, profile, record_function

from or1_trainer.live.progress import Phase
from or1_trainer.live.view import LiveView
from or1_trainer.metrics.files import naming_path, replace_file
from or1_trainer.metrics.spans import Span, SpanLog, trace_path
from or1_trainer.train.job import Job


class StepTimes:
    """Times the phases of a step, and shows each in the live view while it runs."""

    def __init__(self, view: LiveView, spans: SpanLog | None = None) -> None:
        """Start the step's clock; the phases also go to `spans`."""
        self._view, self._spans, self._started = view, spans or SpanLog(), time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def phase(self, name: str, total: int | None = None, *, max_tokens: int | None = None) -> Iterator[Phase]:
        """Add the time spent inside to `time/<name>_s`, named so in a trace; for the rest see `LiveView.phase`."""
        begin_ns = time.time_ns()
        with self._view.phase(name, total, max_tokens=max_tokens) as phase, record_function(name):
            yield phase
        self._seconds[name] = self._seconds.get(name, 0.0) + phase.elapsed_s
        self._spans.add("phase", name, begin_ns)

    def metrics(self) -> dict[str, float]:
        """`time/*_s`, with the whole `step` and, as `other`, what lies between the phases."""
        total = time.perf_counter() - self._started
        other = total - sum(self._seconds.values())
        return {f"time/{name}_s": value for name, value in {**self._seconds, "other": other, "step": total}.items()}


@contextmanager
def observed_step(job: Job, number: int) -> Iterator[None]:
    """Write the trace of step `number` if the recipe wants it, and hand its spans to the exporter if there is one."""
    path, wanted = trace_path(job.folder, number, job.runtime.rank), number in job.config.watch.profile_steps
    job.spans.take()  # what lies between the steps is nobody's
    begin_ns = time.time_ns()
    with traced(path) if wanted else nullcontext():
        yield
    spans = job.spans.take()
    if wanted:
        add_requests(path, spans)
    if job.exporter is not None:
        job.exporter.write(number, begin_ns, time.time_ns(), spans)


@contextmanager
def traced(path: Path) -> Iterator[None]:
    """Write what torch does inside, in all threads, and the step's phases, to `path`; may raise `RunFolderError`."""
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    everywhere = _ExperimentalConfig(profile_all_threads=True)  # rollouts ahead of training have a thread of their own
    with profile(activities=activities, experimental_config=everywhere) as profiler, record_function("step"):
        yield
    with naming_path(path, "write"):
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_name(f".{path.name}")  # ends in .gz, which has torch compress it
        profiler.export_chrome_trace(str(temporary))
        temporary.replace(path)


def add_requests(path: Path, spans: Sequence[Span]) -> None:
    """Add the engine requests to a trace, as rows of their own; `RunFolderError` where it cannot be read or written."""
    with naming_path(path, "read"):
        trace = msgspec.json.decode(gzip.decompress(path.read_bytes()))
    base_ns = int(trace["baseTimeNanoseconds"])
    requests = [span for span in spans if span.kind == "request"]
    trace["traceEvents"] += [event for number, span in enumerate(requests) for event in _events(span, number, base_ns)]
    replace_file(path, gzip.compress(msgspec.json.encode(trace), compresslevel=5), durable=False)


def _events(span: Span, number: int, base_ns: int) -> Iterator[dict[str, Any]]:
    """The begin and the end of an asynchronous event: requests overlap, which spans of one thread must not."""
    common = {"cat": "engine request", "name": span.name, "id": number, "pid": "engine requests", "tid": 0}
    yield {**common, "ph": "b", "ts": (span.begin_ns - base_ns) / 1000, "args": dict(span.attributes)}
    yield {**common, "ph": "e", "ts": (span.end_ns - base_ns) / 1000}
