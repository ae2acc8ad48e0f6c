"""A whole run over shards on a Ray cluster of two raylets, with killed workers, against one process: the same rows.

    uv run benchmarks/data_machines.py [--rows 200000] [--shards 8]

Synthetic rows (benchmarks/data_scale.py) through read, rules, answers, dedup, decontaminate and difficulty. The verifier and
the sampler each kill their own process once, as the memory killer would. Says how long each run took, whether the files
are the same byte for byte, and how often an attempt was asked for twice.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from data_common import print_machine
from data_scale import write

from or1_data.run import run_recipe
from or1_data.run.recipe import recipe_from

HOOKS = '''
"""Verifier and sampler; each kills its own process once, where a file says so."""
import os, signal, zlib
from pathlib import Path

ROOM = Path(__file__).parent

def die_once(name):
    if (ROOM / name).exists():
        (ROOM / name).rename(ROOM / f"{name}.done")
        os.kill(os.getpid(), signal.SIGKILL)

def verify(response, ground_truth):
    if ground_truth == '"500"':
        die_once("kill-verifier")
    return type("V", (), {"status": "x", "reward": float("wrong" not in response), "extracted": response[:20]})()

class Sampler:
    asked = 0
    def sample(self, prompts, counts, first_attempts):
        Sampler.asked += len(prompts)
        if Sampler.asked > 2000:
            die_once("kill-sampler")
        with (ROOM / f"asked-{os.getpid()}").open("a") as stream:
            for prompt, count, first in zip(prompts, counts, first_attempts):
                key = zlib.crc32(prompt[-1]["content"].encode())
                stream.writelines(f"{first + n} {key} {len(prompt[-1]['content'])}\\n" for n in range(count))
        return [["wrong" if (first + n) % 3 else "right" for n in range(c)] for c, first in zip(counts, first_attempts)]
'''


def recipe(room, rows, shards, name, **changes):
    hooks = "hooks_of_machines"
    data = {
        "chunk_rows": rows // shards,
        "source": [{"path": str(room / "rows.jsonl"), "adapter": "or1"}],
        "answers": {"verifier": f"{hooks}:verify"},
        "decontaminate": {"benchmarks": [str(room / "items.jsonl")]},
        "difficulty": {"model": "m", "attempts": 4, "sampler": f"{hooks}:Sampler", "verifier": f"{hooks}:verify"},
        "store": str(room / f"calls-{name}"),
        "output": {"formats": ["jsonl"]},
        **changes,
    }
    return recipe_from(data)


def measured(room, name, settings):
    """The run's files, and how often each attempt was asked for."""
    begun = time.perf_counter()
    result = run_recipe(settings, room / name, progress=False)
    asked = Counter(line for path in room.glob("asked-*") for line in path.read_text().splitlines())
    for path in room.glob("asked-*"):
        path.unlink()
    seconds = time.perf_counter() - begun
    print(
        f"{name:12} {result.rows:,} rows, {result.kept:,} kept, {seconds:.0f} s, {asked.total():,} attempts", flush=True
    )
    files = ("problems.jsonl", "dropped.jsonl", "report.md")
    return [(room / name / file).read_bytes() for file in files], asked


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--shards", type=int, default=8)
    options = parser.parse_args()
    print_machine("or1-data", "ray")
    room = Path(tempfile.mkdtemp())
    (room / "hooks_of_machines.py").write_text(HOOKS)
    sys.path.insert(0, str(room))
    names = {"PYTHONPATH": str(room), "RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}
    os.environ |= names | {"RAY_raylet_start_wait_time_s": "300"}
    write(room / "rows.jsonl", options.rows, 0)
    write(room / "items.jsonl", 2000, 1)
    alone, once = measured(room, "one", recipe(room, options.rows, options.shards, "one"))
    from ray.cluster_utils import Cluster

    machine = {"num_cpus": 1, "object_store_memory": 200 << 20, "node_ip_address": "127.0.0.1"}
    cluster = Cluster(initialize_head=True, head_node_args={**machine, "include_dashboard": False})
    try:
        cluster.add_node(**machine)
        os.environ["RAY_ADDRESS"] = cluster.address
        for name in ("kill-verifier", "kill-sampler"):
            (room / name).touch()
        together = recipe(room, options.rows, options.shards, "two", engine="ray")
        files, asked = measured(room, "two raylets", together)
    finally:
        cluster.shutdown()
    print("killed:", sorted(path.name for path in room.glob("kill-*.done")))
    print(
        "same files:",
        files == alone,
        "  attempts asked for twice:",
        asked.total() - len(asked),
        f"(one process: {once.total() - len(once)})",
    )
    shutil.rmtree(room)


if __name__ == "__main__":
    main()
