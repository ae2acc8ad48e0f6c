"""Kill a small run at random moments, resume it each time, and compare its metrics with those of a run never killed.

    uv run python benchmarks/fifty_kills.py --kills 50

The run has refill, a stage that ends by itself, a falling rate and two checkpoints a second, so that kills fall into
rollouts, updates and checkpoint writes. Exit code 1 when a single number differs.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests" / "trainer"))
from whole_runs import MICRO, numbers, rows_written, run, start

RECIPE = f"""
name = "kills"
{MICRO}[[stages]]
steps = 30
context_tokens = 20
prompts = 5
group = 4
advance = {{ rule = "auto", window_steps = 10, gain = 2.0 }}
[[stages]]
steps = 20
context_tokens = 40
prompts = 6
group = 4
mini_prompts = 3
[rollout]
refill = 1
[optimizer]
lr = 1e-3
schedule = "linear"
[eval]
k = 2
every = 5
[checkpoint]
every = 2
"""


def main() -> int:
    """Print one line per run and a summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    moments, kills, partial, wrong, runs = random.Random(options.seed), 0, 0, 0, 0
    with tempfile.TemporaryDirectory() as scratch:
        room = Path(scratch)
        (room / "kills.toml").write_text(RECIPE)
        run(room / "cache", "train", room / "kills.toml", "--run-dir", room / "whole")
        expected = numbers(room / "whole")
        while kills < options.kills:
            runs += 1
            folder = room / f"killed-{runs}"
            arguments: tuple[object, ...] = ("train", room / "kills.toml", "--run-dir", folder)
            while kills < options.kills and kill_once(room, folder, arguments, moments):
                kills += 1
                partial += any((folder / "checkpoints").glob("partial_*"))
                arguments = ("resume", folder)
            run(room / "cache", "resume", folder)
            same = numbers(folder) == expected
            wrong += not same
            print(f"run {runs}: {kills} kills so far, metrics {'equal' if same else 'DIFFERENT'}", flush=True)
    print(f"{kills} kills over {runs} runs, {partial} inside a checkpoint write; runs that ended otherwise: {wrong}")
    return int(wrong > 0)


def kill_once(room: Path, folder: Path, arguments: tuple[object, ...], moments: random.Random) -> bool:
    """Start or resume, and kill some steps later or while it starts; False when the run came to its end first."""
    seen, further, pause_s = rows_written(folder), moments.randint(0, 6), moments.uniform(0, 0.4)
    process = start(room / "cache", *arguments)
    while process.poll() is None and rows_written(folder) < seen + further:
        time.sleep(0.005)
    time.sleep(pause_s)
    if process.poll() is not None:
        return False
    process.send_signal(signal.SIGKILL)
    process.wait()
    return True


if __name__ == "__main__":
    sys.exit(main())
