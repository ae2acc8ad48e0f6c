"""Several machines' worth of agents, and a rank that hangs."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from whole_runs import command, environment, numbers, rows_written, run, wait_for

RECIPE = """
name = "launched"
[warm_start]
hidden = 32
layers = 1
intermediate = 64
steps = 20
sequences = 16
[data.arithmetic]
train = 40
heldout = 4
[[stages]]
steps = 4
context_tokens = 16
prompts = 4
group = 4
[loss]
reject_zero_advantage = false
[eval]
k = 2
every = 9
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    folder = tmp_path_factory.mktemp("launched")
    (folder / "launched.toml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def single(room):
    run(room / "cache", "train", room / "launched.toml", "--run-dir", room / "single")
    return numbers(room / "single")


def test_two_nodes_of_one_process_each_run_the_same_recipe(room, single):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = f"127.0.0.1:{probe.getsockname()[1]}"
    agent = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc-per-node", "1", "--rdzv-backend",
             "c10d", "--rdzv-endpoint", endpoint, "--rdzv-id", "or1", "-m", "or1_trainer.cli"]  # fmt: skip
    arguments = ["train", str(room / "launched.toml"), "--run-dir", str(room / "nodes")]
    agents = [
        subprocess.Popen([*agent, *arguments], env=environment(room / "cache"), stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    said = [process.communicate(timeout=200)[1] for process in agents]
    assert [process.returncode for process in agents] == [0, 0], said
    for expected, got in zip(single, numbers(room / "nodes"), strict=True):
        for key in ("reward/mean", "policy/entropy", "optimizer/grad_norm"):
            assert got.get(key, 0) == pytest.approx(expected.get(key, 0), rel=2e-3, abs=2e-5), (expected["step"], key)


@pytest.mark.slow
def test_a_rank_that_hangs_is_named_after_the_timeout(room, single):
    """A stopped process says nothing and closes nothing."""
    settings = ("--nproc", "2", "--parallel.timeout_s", "10", "--stages.0.steps", "400")
    process = subprocess.Popen(
        command("train", room / "launched.toml", "--run-dir", room / "hung", *settings),
        env=environment(room / "cache"), stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    wait_for(lambda: rows_written(room / "hung") >= 3, process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    (victim,) = [pid for pid in children if b"\0RANK=1\0" in b"\0" + Path(f"/proc/{pid}/environ").read_bytes()]
    os.kill(int(victim), signal.SIGSTOP)
    _, said = process.communicate(timeout=150)
    assert process.returncode == 1
    assert said.rstrip().splitlines()[-1].startswith("or1-trainer: rank 0: ")
    assert "it waited for rank 1" in said and "parallel.timeout_s" in said
    assert not Path(f"/proc/{victim}").exists()
