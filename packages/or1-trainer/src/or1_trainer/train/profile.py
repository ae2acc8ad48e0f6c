"""Traces of single steps for chrome://tracing and ui.perfetto.dev."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, record_function

from or1_trainer.metrics.files import naming_path


@contextmanager
def traced(path: Path, *, wanted: bool) -> Iterator[None]:
    """Write what torch does inside to `path`, if `wanted`; the phases of the step are named in it.

    Raises:
        RunFolderError: the file cannot be written.
    """
    if not wanted:
        yield
        return
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if torch.cuda.is_available() else [])]
    with profile(activities=activities) as profiler, record_function("step"):
        yield
    with naming_path(path, "write"):
        path.parent.mkdir(exist_ok=True)
        temporary = path.with_name(f".{path.name}")  # ends in .gz, which has torch compress it
        profiler.export_chrome_trace(str(temporary))
        temporary.replace(path)
