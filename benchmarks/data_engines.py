"""The text stages of or1-data over shards under four engines, on this machine: CPU seconds, memory, a killed worker.

    uv run --with datatrove --with 'ray[data]' benchmarks/data_engines.py [--rows 40000] [--workers 2] [--engines NAME,...]

Each engine makes the same parts: rules and decontamination of every shard, the function that a run uses. Engines: the
standard library's process pool, Ray tasks, Ray Data, datatrove's LocalPipelineExecutor. Then each gets twelve tasks of
which one kills its own worker the first time, and 150 s for them.
"""

from __future__ import annotations

import argparse
import inspect
import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from data_common import print_machine
from data_scale import write

from or1_data.run.engines.processes import Processes
from or1_data.run.parts import key_of, part_of
from or1_data.run.reading import read_sources
from or1_data.run.recipe import recipe_from
from or1_data.run.work import StageSpec, work

FAULT_S = 150
os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0"}  # as or1-data's engine does
os.environ |= {"RAY_worker_niceness": "0"}  # Ray's default of 15 would compare priorities


def standard_library(function, tasks, workers, folder):
    with Processes(workers) as engine:
        return len(list(engine.map(function, tasks)))


def ray_tasks(function, tasks, workers, folder):
    from or1_data.run.engines.on_ray import OnRay

    with OnRay(workers) as engine:
        return len(list(engine.map(function, tasks)))


def ray_data(function, tasks, workers, folder):
    import ray

    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "error"}
    ray.init(address="local", num_cpus=workers, _node_ip_address="127.0.0.1", **quiet)
    ray.data.DataContext.get_current().enable_progress_bars = False
    rows = [{"task": pickle.dumps(task)} for task in tasks]

    def call(row):
        return {"made": pickle.dumps(function(pickle.loads(row["task"])))}

    made = ray.data.from_items(rows, override_num_blocks=len(rows)).map(call).take_all()
    ray.shutdown()
    return len([pickle.loads(row["made"]) for row in made])


def datatrove_local(function, tasks, workers, folder):
    from datatrove.executor import LocalPipelineExecutor
    from datatrove.pipeline.base import PipelineStep

    class Step(PipelineStep):
        name = "or1-data"

        def run(self, data, rank=0, world_size=1):
            (folder / f"made-{rank}").write_bytes(pickle.dumps(function(tasks[rank])))
            yield from ()

    logs = str(folder / "logs")
    LocalPipelineExecutor([Step()], tasks=len(tasks), workers=workers, logging_dir=logs).run()
    return len(list(folder.glob("made-*")))


ENGINES = {engine.__name__: engine for engine in (standard_library, ray_tasks, ray_data, datatrove_local)}


def die_once(flag):
    """Kills its worker the first time that it is called with a path."""
    time.sleep(0.2)
    if flag and not Path(flag).exists():
        Path(flag).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 1


def shards(rows, folder):
    """What there is to make, of two stages and eight shards: (StageSpec, source, target)."""
    write(folder / "rows.jsonl", rows, 0)
    write(folder / "items.jsonl", 2000, 1)
    data = {
        "chunk_rows": rows // 8,
        "source": [{"path": str(folder / "rows.jsonl"), "adapter": "or1"}],
        "decontaminate": {"benchmarks": [str(folder / "items.jsonl")]},
    }
    recipe = recipe_from(data)
    (folder / "read").mkdir()
    sources = read_sources(recipe, folder / "read", folder, lambda *_: None)
    benchmarks = (str(folder / "items.jsonl"),)
    return [
        (StageSpec(name, recipe, benchmarks), source, part_of(folder / name, number, key_of(name, source.key)))
        for name in ("rules", "decontaminate")
        for number, source in enumerate(sources)
    ]


def measured(name, workers, folder):
    """Run in a process of its own: both stages of all shards."""
    tasks = pickle.loads((folder / "tasks").read_bytes())
    for made in {task[2].path.parent for task in tasks}:
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
    own = folder / name
    own.mkdir()
    begun = time.perf_counter()
    count = ENGINES[name](work, tasks, workers, own)
    print(f"{name:18} {count} tasks in {time.perf_counter() - begun:6.1f} s", flush=True)


def usage(session, cpu_s):
    """Memory in MB of the processes of a session, by proportional share; their CPU seconds go into `cpu_s` by process."""
    total, ticks = 0, os.sysconf("SC_CLK_TCK")
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if os.getsid(int(folder.name)) != session:
                continue
            fields = (folder / "stat").read_text().rpartition(") ")[2].split()
            cpu_s[folder.name] = (int(fields[11]) + int(fields[12])) / ticks
            lines = (folder / "smaps_rollup").read_text().splitlines()
            total += int(next(line for line in lines if line.startswith("Pss:")).split()[1])
        except (OSError, StopIteration):
            continue
    return total / 1024


def in_process(arguments, limit_s):
    """(return code or None, seconds, CPU seconds, most memory in MB)."""
    begun, most, cpu_s = time.perf_counter(), 0.0, {}
    process = subprocess.Popen([sys.executable, __file__, *map(str, arguments)], start_new_session=True)
    while process.poll() is None and time.perf_counter() - begun < limit_s:
        most = max(most, usage(process.pid, cpu_s))
        time.sleep(1)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        return None, limit_s, sum(cpu_s.values()), most
    return process.returncode, time.perf_counter() - begun, sum(cpu_s.values()), most


def fault(name, workers, folder):
    """Twelve short tasks, one of which kills its worker."""
    print(f"{name:18} {ENGINES[name](die_once, [''] * 5 + [str(folder / 'flag')] + [''] * 6, workers, folder)} of 12")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=40_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--engines", default=",".join(ENGINES), help="which of them (default: %(default)s)")
    parser.add_argument(
        "--limit-s", type=int, default=600, help="wall time that an engine may take (default: %(default)s)"
    )
    parser.add_argument("--one", help="(inner) engine to measure in this process")
    parser.add_argument("--fault", help="(inner) engine whose worker is killed")
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.one:
        return measured(options.one, options.workers, options.folder)
    if options.fault:
        return fault(options.fault, options.workers, options.folder)
    print_machine("or1-data", "ray", "datatrove")
    folder = Path(tempfile.mkdtemp())
    (folder / "tasks").write_bytes(pickle.dumps(shards(options.rows, folder)))
    for name in options.engines.split(","):
        engine = ENGINES[name]
        arguments = ["--one", name, "--folder", folder, "--workers", options.workers]
        code, seconds, cpu_s, most = in_process(arguments, options.limit_s)
        print(f"{name:18} in all {seconds:6.1f} s, {cpu_s:5.1f} CPU s, {most:5.0f} MB, exit {code}", flush=True)
        own = Path(tempfile.mkdtemp(dir=folder))
        code, seconds, _, _ = in_process(["--fault", name, "--folder", own, "--workers", options.workers], FAULT_S)
        told = f"hung, ended after {seconds:.0f} s" if code is None else f"exit {code} after {seconds:.1f} s"
        print(f"{name:18} a killed worker: {told}; {len(inspect.getsource(engine).splitlines())} lines", flush=True)
    shutil.rmtree(folder)
    return None


if __name__ == "__main__":
    main()
