"""What is written down of a step for those who look at its time: a torch.profiler trace, and OpenTelemetry spans.

Traces are for chrome://tracing and ui.perfetto.dev.
"""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import torch
from torch._C._profiler import _ExperimentalConfig
from torch.profiler import ProfilerActivity, profile, record_function

from or1_trainer.metrics.files import naming_path, replace_file
from or1_trainer.metrics.spans import Span
from or1_trainer.metrics.spans import trace_path
from or1_trainer.train.job import Job


@contextmanager
def observed_step(job: Job, number: int) -> Iterator[None]:
    """Write the trace of step `number` if the recipe wants it, and hand its spans to the exporter if there is one."""
    path, wanted = trace_path(job.folder, number, job.runtime.rank), number in job.config.watch.profile_steps
    job.spans.take()  # what lies between the steps is nobody's
    begin_ns = time.time_ns()
    with traced(path, wanted=wanted):
        yield
    spans = job.spans.take()
    if wanted:
        add_requests(path, spans)
    if job.exporter is not None:
        job.exporter.write(number, begin_ns, time.time_ns(), spans)


@contextmanager
def traced(path: Path, *, wanted: bool) -> Iterator[None]:
    """Write what torch does inside, in all threads, to `path`, if `wanted`; the phases of the step are named in it.

    Raises:
        RunFolderError: the file cannot be written.
    """
    if not wanted:
        yield
        return
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
    """Add the engine requests to a trace, as rows of their own beside torch's.

    Raises:
        RunFolderError: the file cannot be read or written.
    """
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
