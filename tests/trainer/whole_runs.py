"""Whole runs through the command line, in processes of their own."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from forked import Forked, command_line, rank_environments, wait_all

from or1_trainer.metrics.log import read_metrics

MICRO = """
[warm_start]
hidden = 32
layers = 2
intermediate = 64
steps = 300
sequences = 32
lr = 1e-2
verbose_share = 0.3
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


def start(cache, *arguments, cwd=None, file_bytes=None):
    """`or1-trainer ARGUMENTS`, going on in a forked process."""
    return Forked(command_line, *map(str, arguments), env=environment(cache), cwd=cwd, file_bytes=file_bytes)


def run(cache, *arguments, code=0, timeout=280, cwd=None, file_bytes=None):
    """`or1-trainer ARGUMENTS` to its end."""
    process = start(cache, *arguments, cwd=cwd, file_bytes=file_bytes)
    try:
        assert process.wait(timeout) == code, process.stderr[-3000:]
    finally:
        process.kill()
    return process


def run_ranks(cache, ranks, *arguments, cwd=None):
    """The same as so many ranks, as torchrun starts them."""
    words, common = [str(argument) for argument in arguments], environment(cache)
    wait_all([Forked(command_line, *words, env={**common, **own}, cwd=cwd) for own in rank_environments(ranks)])


def run_fresh(cache, *arguments, code=0, timeout=280):
    """The same as users start it: Python anew, with all its imports."""
    done = subprocess.run(
        command(*arguments), env=environment(cache), capture_output=True, text=True, timeout=timeout, check=False
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


def measured(row):
    """A row without its hashes, which differ where numbers are equal up to rounding."""
    return {key: value for key, value in row.items() if not key.startswith("hash/")}


def assert_same_up_to_rounding(one, two, within=2e-3):
    """Adam divides by the gradient's size: where a gradient is rounding alone, so is a whole step of its weight.

    So one step at this rate makes 1e-4 of float32's 1e-7, and 1e-12 of float64's 1e-16; both grow with the steps.
    """
    for expected, got in zip(one, two, strict=True):
        for key in ("loss/policy", "loss/total", "optimizer/grad_norm", "policy/entropy", "reward/mean", "eval/avg"):
            if key in expected:
                assert got[key] == pytest.approx(expected[key], rel=within, abs=within * 1e-2), (expected["step"], key)
