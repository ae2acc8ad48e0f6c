"""First steps of the tiny recipe on a model of 20,000 parameters: what they are compared with, and their recorder.

In float64: rounding, which another processor does otherwise, then never decides which token is drawn.

uv run python tests/trainer/golden/trajectory.py     # after a change that is meant to change the numbers
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from whole_runs import numbers, run

SMALL = (
    "--warm_start.hidden", "32", "--warm_start.layers", "2", "--warm_start.intermediate", "64",
    "--warm_start.steps", "300", "--warm_start.sequences", "32", "--warm_start.lr", "1e-2",
    "--warm_start.verbose_share", "0.3", "--warm_start.arithmetic", "{ max_terms = 2, max_digits = 1 }",
    "--data.arithmetic", "{ max_terms = 2, max_digits = 1, train = 60, heldout = 8 }",
    "--stages.0.prompts", "8", "--stages.0.context_tokens", "20",
    "--stages.1.prompts", "8", "--stages.1.context_tokens", "40", "--eval.k", "2", "--eval.every", "5",
    "--warm_start.dtype", "float64", "--model.dtype", "float64",
)  # fmt: skip
SETTINGS = {
    "tiny": ("--stages.0.steps", "6", "--stages.1.steps", "4", "--entropy.target", "0.36"),
    "off-policy": (
        "--stages.0.steps", "3", "--stages.1.steps", "2", "--stages.0.mini_prompts", "4", "--loss.reuse", "2",
        "--loss.clip_high", "0.28", "--loss.kl_beta", "0.05", "--loss.advantage_mask", "after",
        "--entropy.mode", "constant", "--entropy.initial", "0.01", "--optimizer.lr", "1e-3",
    ),
}  # fmt: skip
"""Trajectory -> settings: two stages and an entropy that crosses its target; several steps a batch and a reference."""
KEPT = (
    "loss/policy", "loss/entropy_bonus", "optimizer/grad_norm", "optimizer/steps", "policy/entropy",
    "policy/entropy_coef", "policy/ratio_mean", "policy/clip_high_rate", "policy/clip_low_rate", "kl/k3", "reward/mean",
    "reward/truncated_rate", "response/length_mean", "group/kept_rate", "tokens/trained", "eval/avg", "stage/index",
)  # fmt: skip


def stored(name):
    """The file of a trajectory."""
    return Path(__file__).with_name(f"{name}.json")


def trajectory(name, cache, folder):
    """The kept metrics of a fresh run, six digits each."""
    run(cache, "train", "tiny", "--run-dir", folder, *SMALL, *SETTINGS[name])
    return [
        {"step": row["step"], **{key: float(f"{row[key]:.6g}") for key in KEPT if row.get(key) is not None}}
        for row in numbers(folder)
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        for name in SETTINGS:
            rows = trajectory(name, Path(scratch) / "cache", Path(scratch) / name)
            stored(name).write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
            print(f"{len(rows)} rows written to {stored(name)}")
