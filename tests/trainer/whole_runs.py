"""Whole runs through the command line, in processes of their own."""

import os
import subprocess
import sys
import time
from pathlib import Path

from or1_trainer.watch.metrics import read_metrics

MICRO = """
[warm_start]
hidden = 32
layers = 2
intermediate = 64
steps = 120
sequences = 32
lr = 5e-3
arithmetic = { max_terms = 2, max_digits = 1 }
[data.arithmetic]
max_terms = 2
max_digits = 1
train = 60
heldout = 8
"""
"""The head of a recipe that trains in seconds: a warm start of 20,000 parameters on sums of two one-digit numbers."""


def command(*arguments):
    return [sys.executable, "-m", "or1_trainer.cli", *map(str, arguments)]


def environment(cache):
    """`cache`: where warm starts are kept."""
    return {**os.environ, "OR1_CACHE": str(cache), "OMP_NUM_THREADS": "1"}


def run(cache, *arguments, code=0, timeout=280, **options):
    done = subprocess.run(
        command(*arguments),
        env=environment(cache),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
        **options,
    )
    assert done.returncode == code, done.stderr[-3000:]
    return done


def numbers(folder):
    """Everything but wall-clock time."""
    rows = read_metrics(Path(folder) / "metrics.jsonl")
    return [{key: value for key, value in row.items() if not key.startswith("time/")} for row in rows]


def wait_for(condition, process, timeout_s=240):
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert process.poll() is None, "the run ended before the test could disturb it"
        assert time.monotonic() < deadline
        time.sleep(0.01)


def rows_written(folder):
    """How many rows of metrics a run that may not have begun yet has written."""
    path = Path(folder) / "metrics.jsonl"
    return len(read_metrics(path)) if path.exists() else 0
