"""Tensor- and data-parallel runs of the Megatron side in real processes over gloo, against one process."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from or1_trainer.megatron.model import build_policy
from or1_trainer.megatron.runtime import start_runtime, stop_runtime
from or1_trainer.megatron.weights import init_weights, iter_hf_weights

WORKERS = Path(__file__).parent / "megatron_workers"
sys.path.append(str(WORKERS))

from layout_steps import run_layout  # noqa: E402
from megatron_cases import CONFIGS  # noqa: E402


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])


def _start(worker, ranks, scratch):
    common = {
        **os.environ,
        "OMP_NUM_THREADS": "1",
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": _free_port(),
        "OR1_TEST_SECOND_PORT": _free_port(),
        "WORLD_SIZE": str(ranks),
        "LOCAL_WORLD_SIZE": str(ranks),
        "OR1_TEST_SCRATCH": str(scratch),
    }
    return [
        subprocess.Popen(
            [sys.executable, str(WORKERS / worker)],
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=(scratch / f"{worker}-{rank}.log").open("w"),
            stderr=subprocess.STDOUT,
        )
        for rank in range(ranks)
    ]


def _run(worker, ranks, scratch):
    processes = _start(worker, ranks, scratch)
    try:
        codes = [process.wait(timeout=240) for process in processes]
    finally:
        for process in processes:
            process.kill()
    logs = [(scratch / f"{worker}-{rank}.log").read_text()[-3000:] for rank in range(ranks)]
    assert codes == [0] * ranks, "\n----- next rank\n".join(logs)


def test_two_and_four_ranks_equal_one(tmp_path):
    runtime = start_runtime(tensor=1, device="cpu", timeout_s=60)
    run_layout(runtime, tmp_path)
    policy = build_policy(CONFIGS["qwen2-tied"](), runtime)
    init_weights(policy, seed=5)
    weights = dict(iter_hf_weights(policy))
    stop_runtime(runtime)

    _run("two_ranks.py", 2, tmp_path)  # TP 2 for every family against transformers, then DP 2
    _run("four_ranks.py", 4, tmp_path)  # TP 2 x DP 2

    for rank in range(2):
        fresh = torch.load(tmp_path / f"fresh-{rank}.pt")
        assert all(torch.equal(tensor, fresh[name]) for name, tensor in weights.items())
    single = torch.load(tmp_path / "result-1-1.pt")
    assert single["norms"][0] > 0.05, "the clip must be at work"
    for layout in ("1-2", "2-1", "2-2"):
        other = torch.load(tmp_path / f"result-{layout}.pt")
        assert other["norms"] == pytest.approx(single["norms"], rel=1e-9), layout
        for kind in ("gradients", "weights"):
            for name, tensor in single[kind].items():
                assert torch.allclose(other[kind][name], tensor, rtol=1e-7, atol=1e-9), (layout, kind, name)


def test_cuda_optimizer_with_cuda_answered_by_the_cpu(tmp_path):
    _run("cuda_is_cpu.py", 2, tmp_path)


def test_a_killed_rank_ends_the_others(tmp_path):
    processes = _start("lonely.py", 2, tmp_path)
    try:
        assert processes[1].wait(timeout=120) == -signal.SIGKILL  # rank 1 kills itself before the collective
        assert processes[0].wait(timeout=60) == 7, (tmp_path / "lonely.py-0.log").read_text()
    finally:
        for process in processes:
            process.kill()
