"""What choosing problems by their expected signal is worth: against passes in random order, and against refill.

uv run python benchmarks/sampler.py [--recipes lab tiny] [--seeds 0 1 2] [--steps N]

Per recipe and way of drawing, over the seeds: sampled tokens per group with an advantage, held-out accuracy after as
many steps, and after as many sampled tokens (the fewest that any of the runs has at its end).
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from or1_trainer.metrics.log import read_metrics
from or1_trainer.train.run_folder import read_config

WAYS = {
    "uniform": (),
    "refill": ("--rollout.refill", "2"),
    "adaptive": ("--data.sampler.kind", "adaptive"),
    "adaptive alone": ("--data.sampler.kind", "adaptive", "--data.sampler.share", "none"),
}
"""Name -> settings; "alone" does not share among problems of a kind."""


def main() -> None:
    options = parsed()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},")
    print(f"torch {version('torch')}, or1-trainer {version('or1-trainer')}, {time.strftime('%Y-%m-%d')}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for recipe in options.recipes:
            runs = {way: [] for way in WAYS}
            for seed in options.seeds:  # interleaved: a machine that slows down does so for all
                for way, settings in WAYS.items():
                    folder = Path(scratch) / f"{recipe}-{way.replace(' ', '-')}-{seed}"
                    train(recipe, seed, options.steps, settings, folder)
                    runs[way].append(course(folder))
            show(recipe, runs)


def parsed():
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipes", nargs="+", default=["lab", "tiny"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=0, help="of each stage; 0: those of the recipe")
    return parser.parse_args()


def train(recipe, seed, steps, settings, folder):
    stages = 2 if recipe == "tiny" else 1
    short = [word for stage in range(stages) if steps for word in (f"--stages.{stage}.steps", str(steps))]
    command = [sys.executable, "-m", "or1_trainer.cli", "train", recipe, "--seed", str(seed), "--run-dir", str(folder)]
    subprocess.run([*command, "--eval.every", "10", *short, *settings], check=True, capture_output=True)


def course(folder):
    """(tokens sampled so far, groups with an advantage so far, accuracy) at every evaluation."""
    prompts = [stage.prompts for stage in read_config(folder).stages]
    points, tokens, groups = [], 0, 0.0
    for row in read_metrics(folder / "metrics.jsonl"):
        tokens += row.get("tokens/response", 0)
        drawn = row.get("refill/drawn", prompts[row.get("stage/index", 0)])
        groups += row.get("group/kept_rate", 0.0) * drawn
        if "eval/avg" in row:
            points.append((tokens, groups, row["eval/avg"]))
    return points


def accuracy_at(points, tokens):
    """Linear between the evaluations on both sides."""
    for (before, _, low), (after, _, high) in pairwise(points):
        if before <= tokens <= after:
            return low + (high - low) * (tokens - before) / max(after - before, 1)
    return points[-1][2]


def show(recipe, runs):
    budget = min(points[-1][0] for all_runs in runs.values() for points in all_runs)
    print(f"\n{recipe}: {len(next(iter(runs.values())))} seeds, mean (smallest to largest)")
    print("| drawn | tokens per group with signal | accuracy at equal steps | accuracy at equal tokens |")
    print("|---|---|---|---|")
    for way, all_runs in runs.items():
        per_group = [points[-1][0] / points[-1][1] for points in all_runs]
        last = [points[-1][2] for points in all_runs]
        equal = [accuracy_at(points, budget) for points in all_runs]
        print(f"| {way} | {spread(per_group, '.0f')} | {spread(last, '.3f')} | {spread(equal, '.3f')} |", flush=True)


def spread(values, form):
    low, high = min(values), max(values)
    return f"{statistics.mean(values):{form}} ({low:{form}} to {high:{form}})"


if __name__ == "__main__":
    main()
