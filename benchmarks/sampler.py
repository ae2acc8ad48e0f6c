"""What choosing problems by their expected signal is worth: against passes in random order, and against refill.

uv run python benchmarks/sampler.py [--recipes lettered tiny] [--seeds 0 1 2] [--keep FOLDER]

Per recipe and way of drawing, over the seeds: sampled tokens per group with an advantage, held-out accuracy after as
many steps, and after as many sampled tokens (the fewest that any of the runs has at its end). With `--keep`, runs that
are in the folder are not made again (longer ones are read as far as they count), and one that was cut short goes on.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from or1_trainer.cli import main as or1_trainer
from or1_trainer.metrics.log import read_metrics
from or1_trainer.train.run_folder import read_config

WAYS = {
    "uniform": (),
    "refill": ("--rollout.refill", "2"),
    "adaptive": ("--data.sampler.kind", "adaptive"),
    "adaptive alone": ("--data.sampler.kind", "adaptive", "--data.sampler.share", "none"),
}
"""Name -> settings; "alone" does not share among problems with the same `data_source`."""

RECIPES = {
    # Sums of two to seven terms after a warm start on two to five: some are always solved, some hardly ever.
    # A source is a number of terms, which is what `share` shares among.
    "lettered": (
        *("lab", "--eval.every", "15", "--eval.k", "2", "--checkpoint.every", "15"),
        *("--warm_start.steps", "1500", "--warm_start.sequences", "32"),
        *("--warm_start.lettered.min_terms", "2", "--warm_start.lettered.max_terms", "5"),
        *("--data.lettered.min_terms", "2", "--data.lettered.max_terms", "7"),
    ),
    "tiny": (
        *("tiny", "--eval.every", "8", "--eval.k", "4", "--checkpoint.every", "8"),
        *("--stages.0.prompts", "16", "--stages.1.prompts", "16"),
    ),
}
"""Name -> recipe and settings."""

STAGES = {"lettered": 1, "tiny": 2}
STEPS = {"lettered": 30, "tiny": 8}
"""Of each stage: so few that all runs take a quarter of an hour of one core."""


def main() -> None:
    options = parsed()
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},")
    print(f"torch {version('torch')}, or1-trainer {version('or1-trainer')}, {time.strftime('%Y-%m-%d')}", flush=True)
    with tempfile.TemporaryDirectory() as scratch:
        for recipe in options.recipes:
            runs = {way: [] for way in options.ways}
            for seed in options.seeds:  # interleaved: a machine that slows down does so for all
                for way in options.ways:
                    folder = (options.keep or Path(scratch)) / f"{recipe}-{way.replace(' ', '-')}-{seed}"
                    steps = options.steps or STEPS[recipe]
                    train(recipe, seed, steps, WAYS[way], folder)
                    runs[way].append(course(folder, steps * STAGES[recipe]))
            show(recipe, runs)


def parsed():
    parser = argparse.ArgumentParser()
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=list(RECIPES))
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=0, help="of each stage")
    parser.add_argument("--keep", type=Path, help="folder for the runs")
    return parser.parse_args()


def train(recipe, seed, steps, settings, folder):
    if (folder / "metrics.jsonl").exists() and read_metrics(folder / "metrics.jsonl")[-1]["step"] >= steps * STAGES[
        recipe
    ]:
        return
    if (folder / "config.toml").exists():
        in_a_fork("resume", folder)
        return
    length = [word for stage in range(STAGES[recipe]) for word in (f"--stages.{stage}.steps", steps)]
    in_a_fork("train", *RECIPES[recipe], *length, "--seed", seed, "--run-dir", folder, *settings)


def in_a_fork(*words):
    """Of a process that has torch loaded: loading it takes as long as ten steps."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["or1_trainer.train.build"])
    process = context.Process(target=quietly, args=([str(word) for word in words],))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit(f"or1-trainer {' '.join(map(str, words))} ended with {process.exitcode}")


def quietly(words):
    with Path(os.devnull).open("w") as nowhere:
        sys.stdout = nowhere
        sys.exit(or1_trainer(words))


def course(folder, last):
    """(tokens sampled so far, groups with an advantage so far, accuracy) at every evaluation."""
    prompts = [stage.prompts for stage in read_config(folder).stages]
    points, tokens, groups = [], 0, 0.0
    for row in read_metrics(folder / "metrics.jsonl"):
        if row["step"] > last:
            break
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
    print(f"\n{recipe}: {len(next(iter(runs.values())))} seeds, mean (smallest to largest); {budget:,} tokens")
    print(
        "| drawn | tokens per group with signal | groups with signal | accuracy before | at equal steps | at equal tokens |"
    )
    print("|---|---|---|---|---|---|")
    for way, all_runs in runs.items():
        columns = [
            spread([points[-1][0] / points[-1][1] for points in all_runs], ".0f"),
            spread([points[-1][1] for points in all_runs], ".0f"),
            spread([points[0][2] for points in all_runs], ".3f"),
            spread([points[-1][2] for points in all_runs], ".3f"),
            spread([accuracy_at(points, budget) for points in all_runs], ".3f"),
        ]
        print(f"| {way} | {' | '.join(columns)} |", flush=True)


def spread(values, form):
    low, high = min(values), max(values)
    return f"{statistics.mean(values):{form}} ({low:{form}} to {high:{form}})"


if __name__ == "__main__":
    main()
