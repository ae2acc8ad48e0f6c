"""A whole run over shards on a Ray cluster of two raylets, with killed workers, against one process: the same rows.

    uv run benchmarks/data_machines.py [--rows 200000] [--shards 8]

Synthetic rows (benchmarks/data_scale.py) through read, rules, answers, dedup, decontaminate and difficulty. The verifier and
the sampler each kill their own process once, as the memory killer would. Says how long each run took, whether the files
are the same byte for byte, and how often an attempt was asked for twice.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from data_common import print_machine
from data_scale import write

from or1_data.run import run_recipe
from or1_data.run.recipe import recipe_from

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "data"))
from machine_hooks import NAME, asked, write_hooks


def recipe(room, rows, shards, name, **changes):
    data = {
        "chunk_rows": rows // shards,
        "source": [{"path": str(room / "rows.jsonl"), "adapter": "or1"}],
        "answers": {"verifier": f"{NAME}:verify"},
        "decontaminate": {"benchmarks": [str(room / "items.jsonl")]},
        "difficulty": {"model": "m", "attempts": 4, "sampler": f"{NAME}:Sampler", "verifier": f"{NAME}:verify"},
        "store": str(room / f"calls-{name}"),
        "output": {"formats": ["jsonl"]},
        **changes,
    }
    return recipe_from(data)


def measured(room, name, settings):
    """The run's files, and how often each attempt was asked for."""
    begun = time.perf_counter()
    result = run_recipe(settings, room / name, progress=False)
    seconds = time.perf_counter() - begun
    attempts = asked(room)
    print(
        f"{name:12} {result.rows:,} rows, {result.kept:,} kept, {seconds:.0f} s, {attempts.total():,} attempts",
        flush=True,
    )
    print(" " * 12, json.loads((room / name / "manifest.json").read_text())["seconds"], flush=True)
    files = ("problems.jsonl", "dropped.jsonl", "report.md")
    return [(room / name / file).read_bytes() for file in files], attempts


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--shards", type=int, default=8)
    options = parser.parse_args()
    print_machine("or1-data", "ray")
    room = Path(tempfile.mkdtemp())
    write_hooks(room)
    sys.path.insert(0, str(room))
    names = {
        "PYTHONPATH": str(room),
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
        "RAY_worker_niceness": "0",  # Ray's default of 15 would compare priorities
    }
    os.environ |= names | {"RAY_raylet_start_wait_time_s": "300"}
    write(room / "rows.jsonl", options.rows, 0)
    write(room / "items.jsonl", 2000, 1)
    alone, once = measured(room, "one", recipe(room, options.rows, options.shards, "one"))
    from ray.cluster_utils import Cluster

    machine = {"num_cpus": 1, "object_store_memory": 200 << 20}
    cluster = Cluster(initialize_head=True, head_node_args={**machine, "include_dashboard": False})
    try:
        cluster.add_node(**machine)
        os.environ["RAY_ADDRESS"] = cluster.address
        (room / "kill-verifier").write_text('"500"')
        (room / "kill-sampler").write_text(str(options.rows // 100))
        together = recipe(room, options.rows, options.shards, "two", engine="ray")
        files, attempts = measured(room, "two raylets", together)
    finally:
        cluster.shutdown()
    print("killed:", sorted(path.name for path in room.glob("kill-*.done")))
    print(
        "same files:",
        files == alone,
        "  attempts asked for twice:",
        attempts.total() - len(attempts),
        f"(one process: {once.total() - len(once)})",
    )
    shutil.rmtree(room)


if __name__ == "__main__":
    main()
