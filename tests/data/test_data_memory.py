"""A file that is larger than the memory a run may take is read, annotated and written all the same."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

from or1_data import read_problems

ROWS, ROW_BYTES, ALLOWED_BYTES = 60, 1_000_000, 32 << 20
LIMITED = """
import resource, sys
from or1_data.run import run_recipe
from or1_data.run.recipe import recipe_from
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + int(sys.argv[3]),) * 2)
run_recipe(recipe_from({
    "chunk_rows": int(sys.argv[2]), "stages": ["rules", "dedup"], "source": [{"path": sys.argv[1], "adapter": "or1"}],
    "output": {"formats": ["jsonl"]},
}), sys.argv[4], progress=False)
"""


def write(path: Path) -> None:
    with path.open("w") as stream:
        for number in range(ROWS):
            tests = {"inputs": [f"{number} " + "7" * ROW_BYTES], "outputs": [str(number)]}
            row = {
                "data_source": "s",
                "prompt": [
                    {
                        "role": "user",
                        "content": f"Read the number {number} times {number * 17 % 911} and add {number * 31 % 997}.",
                    }
                ],
                "ability": "code",
                "reward_model": {"style": "rule", "ground_truth": json.dumps(tests)},
                "extra_info": {},
            }
            stream.write(json.dumps(row) + "\n")


def run(path: Path, chunk_rows: int, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", LIMITED, str(path), str(chunk_rows), str(ALLOWED_BYTES), str(out)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_a_run_takes_less_memory_than_its_file(tmp_path: Path) -> None:
    write(tmp_path / "big.jsonl")
    assert (tmp_path / "big.jsonl").stat().st_size > 1.75 * ALLOWED_BYTES
    done = run(tmp_path / "big.jsonl", 3, tmp_path / "run")
    assert done.returncode == 0, done.stderr
    kept = sum(1 for _ in read_problems(tmp_path / "run" / "problems.jsonl"))
    assert kept == ROWS
    whole = run(tmp_path / "big.jsonl", ROWS, tmp_path / "whole")
    # The limit is one: Python says so, or a library in C that did not look at what malloc gave it dies.
    assert "MemoryError" in whole.stderr or whole.returncode in (-signal.SIGSEGV, -signal.SIGABRT)
