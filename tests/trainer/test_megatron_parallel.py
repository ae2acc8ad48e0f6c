"""Tensor- and data-parallel runs of the Megatron side in real processes over gloo, against one process."""

import signal
import sys
from pathlib import Path

import pytest
import torch

from or1_trainer.policy.hf_weights.weights import PolicyWeights, init_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.policy.parallel import start_runtime, stop_runtime

sys.path.append(str(Path(__file__).parent / "megatron_workers"))
sys.path.append(str(Path(__file__).parent))

from forked import run_workers, start_workers
from layout_steps import run_layout
from megatron_cases import CONFIGS


def test_two_and_four_ranks_equal_one(tmp_path):
    runtime = start_runtime(tensor=1, device="cpu", timeout_s=60)
    run_layout(runtime, tmp_path)
    policy = build_policy(CONFIGS["qwen2-tied"](), runtime)
    init_weights(policy, seed=5)
    weights = dict(PolicyWeights(policy))
    stop_runtime(runtime)

    run_workers("two_ranks.py", 2, OR1_TEST_SCRATCH=str(tmp_path))  # TP 2 for every family, then DP 2
    run_workers("four_ranks.py", 4, OR1_TEST_SCRATCH=str(tmp_path))  # TP 2 x DP 2

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
    run_workers("cuda_is_cpu.py", 2, OR1_TEST_SCRATCH=str(tmp_path))


def test_a_killed_rank_ends_the_others():
    processes = start_workers("lonely.py", 2)
    try:
        assert processes[1].wait(timeout=120) == -signal.SIGKILL  # rank 1 kills itself before the collective
        assert processes[0].wait(timeout=60) == 7, processes[0].stderr
    finally:
        for process in processes:
            process.kill()
