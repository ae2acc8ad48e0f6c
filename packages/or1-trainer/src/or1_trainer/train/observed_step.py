"""What is written down of a step for those who look at its time: a torch.profiler trace, and OpenTelemetry spans."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from or1_trainer.metrics.spans import trace_path
from or1_trainer.train.job import Job
from or1_trainer.train.profile import add_requests, traced


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
