"""`doctor --cuda`: its checks, run with the CPU in the place of the GPU; no test here shows anything about a GPU."""

import torch

from or1_trainer.cli import main
from or1_trainer.doctor import cuda
from or1_trainer.policy.hf_weights.weights import init_weights


def test_the_checks_hold_where_both_sides_are_the_cpu(runtime):
    rows = list(cuda.run_checks(runtime, cuda.CHECKS[:3]))
    assert [row.is_good for row in rows] == [True] * 3, cuda.table(rows)


def test_a_wrong_gradient_and_a_wrong_weight_are_found(runtime, monkeypatch):
    policy_of = cuda._policy

    def damaged(place, dtype):
        policy = policy_of(place, dtype)
        if dtype == torch.bfloat16:
            init_weights(policy, seed=1)
            with torch.no_grad():
                policy.model.decoder.final_layernorm.weight[0] = float("nan")
        return policy

    monkeypatch.setattr(cuda, "_policy", damaged)
    rows = list(cuda.run_checks(runtime, cuda.CHECKS[:3]))
    assert [row.is_good for row in rows] == [False] * 3


def test_an_error_is_a_row_and_the_next_check_runs(runtime):
    def broken(here, cpu):
        raise RuntimeError("CUDA error: no kernel image")

    rows = list(cuda.run_checks(runtime, [("one", broken), cuda.CHECKS[2]]))
    assert [row.is_good for row in rows] == [False, True] and "no kernel image" in cuda.table(rows)


def test_without_a_gpu_the_command_says_so(capsys):
    assert main(["doctor", "--cuda"]) != 0
    assert "torch sees no CUDA device" in capsys.readouterr().err
