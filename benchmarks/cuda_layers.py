"""Forward, backward and optimizer step of layers of a real model's shape: utilization and peak memory on one GPU.

    uv run python benchmarks/cuda_layers.py --model deepseek-ai/DeepSeek-R1-Distill-Qwen-7B --layers 4 --tokens 8192 32768
    uv run python benchmarks/cuda_layers.py --toy      # a small shape on this machine's CPU: shows that it runs

Random weights; `--layers` of the model's layers, so that one GPU holds them with gradients and moments. One packed
sequence of each length, recomputation on. The ceiling is the rate of a large bfloat16 product measured in the same
call; utilization counts one forward and one backward pass (no recomputation) over it. Never run on CUDA so far.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from transformers import AutoConfig

from or1_trainer.algorithm.packing import Sample, pack
from or1_trainer.config.schema import OptimizerSettings
from or1_trainer.plan.memory import GB, GRADIENT, OPTIMIZER, WEIGHT
from or1_trainer.plan.read_shape import read_model_config
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.step_time import forward_flops
from or1_trainer.policy.model import Policy, build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.optimizer.interface import Optimizer
from or1_trainer.policy.parallel import Runtime, start_runtime, stop_runtime
from or1_trainer.policy.token_stats import token_stats

TOY = {
    "model_type": "qwen2", "hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 2, "vocab_size": 2048,
    "num_attention_heads": 8, "num_key_value_heads": 2, "rms_norm_eps": 1e-6, "tie_word_embeddings": False,
}  # fmt: skip


def main() -> None:
    """One line per sequence length."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", help="folder or known hub id")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--tokens", type=int, nargs="+", default=[8192, 32768])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--toy", action="store_true", help="a small float32 model on the CPU, 512 and 1024 tokens")
    options = parser.parse_args()
    config = TOY if options.toy else {**read_model_config(options.model), "num_hidden_layers": options.layers}
    lengths = [512, 1024] if options.toy else options.tokens
    runtime = start_runtime(tensor=1, device="cpu" if options.toy else "cuda")
    try:
        measure(config, lengths, options.rounds, runtime, torch.float32 if options.toy else torch.bfloat16)
    finally:
        stop_runtime(runtime)


def measure(config: dict[str, object], lengths: list[int], rounds: int, runtime: Runtime, dtype: torch.dtype) -> None:
    """Build the model once, then time every length."""
    values = {key: value for key, value in config.items() if key != "model_type"}
    values["max_position_embeddings"] = max(lengths)
    policy = build_policy(AutoConfig.for_model(config["model_type"], **values), runtime, dtype=dtype, recompute=True)
    with torch.no_grad():
        for parameter in policy.model.parameters():
            parameter.normal_(std=0.02) if parameter.dim() > 1 else parameter.fill_(1.0)
    optimizer, shape = build_optimizer(policy, OptimizerSettings()), Shape.of(config)
    ceiling = product_rate(runtime.device, dtype)
    state_gb = (WEIGHT + GRADIENT + OPTIMIZER) * shape.parameters / GB
    print(
        f"{shape.parameters / 1e9:.2f}B parameters on {name_of(runtime.device)}; product: {ceiling / 1e12:.2f} TFLOP/s"
    )
    for tokens in lengths:
        seconds = timed(lambda tokens=tokens: step(policy, optimizer, tokens, runtime), rounds, runtime.device)
        rate = 3 * forward_flops(shape, tokens, tokens) / seconds
        print(
            f"{tokens:6} tokens: {seconds:.3f} s, {100 * rate / ceiling:.0f}% of the ceiling, {peak(runtime, state_gb)}"
        )


def step(policy: Policy, optimizer: Optimizer, tokens: int, runtime: Runtime) -> None:
    """The update of one long response: log-probs and entropies of half of its tokens, a loss, AdamW."""
    ids = [index % 1000 for index in range(tokens)]
    sample = Sample(prompt_ids=ids[: tokens // 2], response_ids=ids[tokens // 2 :], advantage=1.0)
    stats = token_stats(policy, pack([sample], device=runtime.device))
    optimizer.zero_grad()
    (-stats.logprobs_M.mean() - 0.01 * stats.entropy_M.mean()).backward()
    optimizer.step(1e-6)


def product_rate(device: torch.device, dtype: torch.dtype) -> float:
    """FLOP/s of a square product, 8192 wide on a GPU."""
    size = 8192 if device.type == "cuda" else 1024
    a, b = (torch.randn(size, size, device=device, dtype=dtype) for _ in range(2))
    return 2 * size**3 / timed(lambda: torch.mm(a, b), 10, device)


def timed(work: Callable[[], object], rounds: int, device: torch.device) -> float:
    """Median seconds, after one round that is not counted."""
    seconds = []
    for _ in range(rounds + 1):
        synchronize(device)
        began = time.perf_counter()
        work()
        synchronize(device)
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:])


def synchronize(device: torch.device) -> None:
    """Wait for the GPU."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def name_of(device: torch.device) -> str:
    """Of the hardware."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else "the CPU"


def peak(runtime: Runtime, state_gb: float) -> str:
    """Peak memory beside what weights, gradients and moments take by themselves."""
    if runtime.device.type != "cuda":
        return "memory is not counted on a CPU"
    used = torch.cuda.max_memory_allocated(runtime.device) / GB
    torch.cuda.reset_peak_memory_stats(runtime.device)
    return f"peak {used:.1f} GB ({state_gb:.1f} of it weights, gradients and moments)"


if __name__ == "__main__":
    main()
