"""Several machines' worth of agents, and a rank that hangs."""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from forked import Forked, torchrun, wait_all
from whole_runs import MICRO, environment, numbers, rows_written, run, start, wait_for

RECIPE = f"""
name = "launched"
{MICRO}[[stages]]
steps = 2
context_tokens = 16
prompts = 4
group = 4
[loss]
reject_zero_advantage = false
[eval]
k = 2
every = 9
"""


@pytest.fixture(scope="session")
def room(once, cache):
    """The recipe, and a run of it in one process."""

    def make(folder):
        (folder / "launched.toml").write_text(RECIPE)
        run(cache, "train", folder / "launched.toml", "--run-dir", folder / "single")

    return once("launched", make)


@pytest.mark.slow
def test_two_nodes_of_one_process_each_run_the_same_recipe(room, cache, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{probe.getsockname()[1]}"
    node = ["--nnodes", "2", "--nproc-per-node", "1", "--rdzv-backend", "c10d", "--rdzv-endpoint", endpoint,
            "--rdzv-id", "or1", "-m", "or1_trainer.cli"]  # fmt: skip
    arguments = ["train", str(room / "launched.toml"), "--run-dir", str(tmp_path / "nodes")]
    wait_all([Forked(torchrun, *node, *arguments, env=environment(cache)) for _ in range(2)])
    for expected, got in zip(numbers(room / "single"), numbers(tmp_path / "nodes"), strict=True):
        for key in ("reward/mean", "policy/entropy", "optimizer/grad_norm"):
            assert got.get(key, 0) == pytest.approx(expected.get(key, 0), rel=2e-3, abs=2e-5), (expected["step"], key)


@pytest.mark.slow
def test_a_rank_that_hangs_is_named_after_the_timeout(room, cache, tmp_path):
    """A stopped process says nothing and closes nothing."""
    settings = ("--nproc", "2", "--parallel.timeout_s", "6", "--stages.0.steps", "400")
    process = start(cache, "train", room / "launched.toml", "--run-dir", tmp_path / "hung", *settings)
    wait_for(lambda: rows_written(tmp_path / "hung") >= 3, process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    (victim,) = [pid for pid in children if b"\0RANK=1\0" in b"\0" + Path(f"/proc/{pid}/environ").read_bytes()]
    os.kill(int(victim), signal.SIGSTOP)
    assert process.wait(150) == 1
    said = process.stderr
    assert said.rstrip().splitlines()[-1].startswith("or1-trainer: rank 0: ")
    assert "it waited for rank 1" in said and "parallel.timeout_s" in said
    assert not Path(f"/proc/{victim}").exists()
