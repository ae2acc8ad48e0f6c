"""Two data-parallel ranks run the CUDA optimizer, every "cuda" device answered by the CPU, against the CPU optimizer.

What this cannot show is NCCL, CUDA kernels and speed; what it does show is that Megatron's DDP and its
DistributedOptimizer, driven as `DistributedAdamW` drives them, take the same steps and come back from a checkpoint.

With `OR1_TEST_DTYPE=bfloat16` both have float32 master weights, gradients and reductions over bfloat16 weights.
"""

import os

import torch
from layout_steps import SETTINGS, train_step
from megatron_cases import hf_model, scratch
from msgspec.structs import replace
from torch.overrides import TorchFunctionMode

from or1_trainer.policy.checkpoint.sharded import load_sharded, save_sharded
from or1_trainer.policy.hf_weights.weights import PolicyWeights, load_hf_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.optimizer.distributed import DistributedAdamW
from or1_trainer.policy.parallel import start_runtime, stop_runtime


class CudaIsCpu(TorchFunctionMode):
    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = dict(kwargs or {})
        if str(kwargs.get("device", "")).startswith("cuda"):
            kwargs["device"] = "cpu"
        if len(args) > 1 and isinstance(args[1], str) and args[1].startswith("cuda"):
            args = (args[0], "cpu", *args[2:])
        if getattr(func, "__name__", "") == "cuda":
            return args[0]
        if func is torch.Tensor.type and len(args) == 1 and not kwargs:  # Megatron asks for torch.cuda.FloatTensor
            return func(*args).replace("torch.", "torch.cuda.")
        return func(*args, **kwargs)


OFFLOAD = replace(SETTINGS, offload=True)
DTYPE = getattr(torch, os.environ.get("OR1_TEST_DTYPE", "float32"))


def build(runtime, make):
    reference = hf_model("qwen2-tied", torch.float32)
    policy = build_policy(reference.config, runtime, dtype=DTYPE)
    load_hf_weights(policy, reference.state_dict())
    return policy, make(policy)


def assert_equal(policy, other):
    weights = dict(PolicyWeights(policy))
    assert all(torch.equal(tensor, weights[name]) for name, tensor in PolicyWeights(other))


def assert_on_host(optimizer):
    """Moments, and masters where there are any, have no memory between steps; the weights have theirs."""
    (megatron,) = optimizer._megatron.chained_optimizers
    state = [t for moments in megatron.optimizer.state.values() for t in moments.values() if t.dim()]
    if torch.bfloat16 == DTYPE:
        state += [master for group in megatron.optimizer.param_groups for master in group["params"]]
    assert state and not any(tensor.untyped_storage().nbytes() for tensor in state)


def main():
    torch.cuda.synchronize = lambda *_: None
    runtime = start_runtime(tensor=1, device="cpu", timeout_s=120)
    plain, plain_optimizer = build(runtime, lambda policy: build_optimizer(policy, SETTINGS))
    expected = [train_step(plain, plain_optimizer) for _ in range(3)]
    with CudaIsCpu():
        policy, optimizer = build(runtime, lambda policy: DistributedAdamW(policy, SETTINGS))
        norms = [train_step(policy, optimizer) for _ in range(3)]
        assert all(abs(a - b) < 1e-5 * b for a, b in zip(norms, expected, strict=True)), (norms, expected)
        weights = dict(PolicyWeights(plain))
        assert all(torch.allclose(tensor, weights[name], atol=2e-5) for name, tensor in PolicyWeights(policy))

        offloaded, offloaded_optimizer = build(runtime, lambda policy: DistributedAdamW(policy, OFFLOAD))
        assert norms == [train_step(offloaded, offloaded_optimizer) for _ in range(3)]
        assert_equal(policy, offloaded)
        assert_on_host(offloaded_optimizer)

        save_sharded(scratch() / "cuda", policy, optimizer)
        save_sharded(scratch() / "offloaded", offloaded, offloaded_optimizer)
        twin, twin_optimizer = build(runtime, lambda policy: DistributedAdamW(policy, SETTINGS))
        load_sharded(scratch() / "cuda", twin, twin_optimizer)
        for _ in range(2):
            assert train_step(policy, optimizer) == train_step(twin, twin_optimizer)
        assert_equal(policy, twin)

        twin, twin_optimizer = build(runtime, lambda policy: DistributedAdamW(policy, OFFLOAD))
        load_sharded(scratch() / "offloaded", twin, twin_optimizer)
        assert_on_host(twin_optimizer)
        for _ in range(2):
            train_step(twin, twin_optimizer)
        assert_equal(policy, twin)
    stop_runtime(runtime)
