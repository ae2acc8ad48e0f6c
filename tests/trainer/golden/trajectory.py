"""Ten steps of the tiny recipe with a short warm start: what they are compared with, and how it is written anew.

uv run python tests/trainer/golden/trajectory.py     # after a change that is meant to change the numbers
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))
from whole_runs import numbers, run

STORED = Path(__file__).with_name("tiny.json")
SETTINGS = (
    "--warm_start.steps", "150", "--warm_start.sequences", "32", "--stages.0.steps", "6", "--stages.1.steps", "4",
    "--eval.k", "2", "--eval.every", "5",
)  # fmt: skip
KEPT = (
    "loss/policy", "loss/entropy_bonus", "optimizer/grad_norm", "policy/entropy", "policy/entropy_coef", "reward/mean",
    "reward/truncated_rate", "response/length_mean", "group/kept_rate", "tokens/trained", "eval/avg", "stage/index",
)  # fmt: skip


def trajectory(cache, folder):
    """The kept metrics of a fresh run, six digits each."""
    run(cache, "train", "tiny", "--run-dir", folder, *SETTINGS)
    return [
        {"step": row["step"], **{key: float(f"{row[key]:.6g}") for key in KEPT if row.get(key) is not None}}
        for row in numbers(folder)
    ]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        rows = trajectory(Path(scratch) / "cache", Path(scratch) / "run")
    STORED.write_text("[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n")
    print(f"{len(rows)} rows written to {STORED}")
