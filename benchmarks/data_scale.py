"""Synthetic rows through the text stages of a whole run: time, rows per second, peak memory.

    uv run benchmarks/data_scale.py [--rows 1000000] [--workers 2] [--folder DIR]

Word problems of about 300 characters, 4% of them copies with another spelling, 2% with one number changed, 1% with a
link. Stages: read, rules, dedup, decontaminate (against 2,000 synthetic items), select and write jsonl.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import tempfile
import time
from pathlib import Path

from data_common import print_machine

from or1_data.run import run_recipe
from or1_data.run.recipe import recipe_from

NAMES = [
    f"{a}{b}"
    for a in ("Al", "Be", "Ca", "Do", "El", "Fa", "Gi", "Ha")
    for b in ("na", "rik", "mo", "sha", "vin", "la", "dor", "x")
]
VERBS = [
    "buys",
    "sells",
    "finds",
    "loses",
    "paints",
    "counts",
    "carries",
    "stacks",
    "plants",
    "picks",
    "trades",
    "mends",
]
THINGS = [
    f"{a} {b}"
    for a in ["red", "old", "small", "heavy", "round", "wooden", "paper", "silver"]
    for b in [
        "boxes",
        "lamps",
        "coins",
        "books",
        "chairs",
        "stones",
        "apples",
        "kites",
        "ropes",
        "bowls",
        "drums",
        "tiles",
    ]
]
PLACES = ["market", "harbour", "school", "workshop", "garden", "library", "station", "bakery"]


def statement(rng: random.Random) -> str:
    """One word problem."""
    lines = [
        f"{rng.choice(NAMES)} {rng.choice(VERBS)} {rng.randrange(2, 990)} {rng.choice(THINGS)} at the {rng.choice(PLACES)} on day {rng.randrange(1, 365)}."
        for _ in range(rng.randint(3, 5))
    ]
    return (
        " ".join(lines)
        + f" If ${rng.choice('abcxyz')}^{{2}}+{rng.randrange(2, 99)}={rng.randrange(100, 9999)}$, how many {rng.choice(THINGS)} are left?"
    )


def changed(text: str, rng: random.Random) -> str:
    """A copy in another spelling, with another number, or with a link."""
    kind = rng.random()
    if kind < 0.57:
        return text.replace(". ", ".\n ").replace("^{2}", "^2")
    return text.replace(" day ", " day 1", 1) if kind < 0.86 else text + " See https://example.org/p ."


def write(path: Path, rows: int, seed: int) -> None:
    """Write the rows, in the format."""
    rng = random.Random(seed)
    recent: list[str] = []
    with path.open("w") as stream:
        for index in range(rows):
            text = changed(rng.choice(recent), rng) if recent and rng.random() < 0.07 else statement(rng)
            recent = [*recent[-999:], text] if index % 10 == 0 else recent
            row = {
                "data_source": f"synthetic-{index % 4}",
                "prompt": [{"role": "user", "content": text}],
                "ability": "math",
                "reward_model": {"style": "rule", "ground_truth": str(sum(map(ord, text[:40])) % 997)},
                "extra_info": {"index": index},
            }
            stream.write(json.dumps(row) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=arguments.folder))
    print_machine("or1-data", "numpy")
    try:
        write(folder / "rows.jsonl", arguments.rows, 0)
        write(folder / "items.jsonl", 2000, 1)
        size = (folder / "rows.jsonl").stat().st_size
        recipe = recipe_from(
            {
                "chunk_rows": 5000,
                "workers": arguments.workers,
                "source": [{"path": str(folder / "rows.jsonl"), "adapter": "or1"}],
                "decontaminate": {"benchmarks": [str(folder / "items.jsonl")]},
                "output": {"formats": ["jsonl"]},
            }
        )
        start, before_s = time.perf_counter(), time.process_time()
        result = run_recipe(recipe, folder / "run")
        seconds = time.perf_counter() - start
        usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        peaks = [usage.ru_maxrss / 1024 for usage in usages]
        cpu_s = sum(usage.ru_utime + usage.ru_stime for usage in usages) - before_s
        print(
            f"{result.rows:,} rows, {size / 1e6:.0f} MB, {arguments.workers} workers: {seconds:.0f} s, {result.rows / seconds:,.0f} rows/s, {result.rows / cpu_s:,.0f} rows per CPU second"
        )
        print(
            f"kept {result.kept:,}; peak memory {peaks[0]:.0f} MB in the main process, {peaks[1]:.0f} MB in the largest worker"
        )
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
