"""What the arithmetic of a GRPO step costs at least, and how fast this machine multiplies large matrices.

Alone, it prints the machine's rate: `uv run python benchmarks/roofline.py`.
"""

from __future__ import annotations

import datetime
import platform
import statistics
import sys
import time
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import torch


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A Qwen2 policy and one step's batch; lengths in tokens."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    intermediate: int
    vocab: int
    prompts: int
    group: int
    prompt_length: int
    response_length: int

    @property
    def rollouts(self) -> int:
        return self.prompts * self.group


def forward_flops(shape: Shape, tokens: int, mean_context: float, predicted: int) -> float:
    """FLOPs of a forward pass over `tokens` that see `mean_context` keys each; the head only works on `predicted`."""
    head_size = shape.hidden // shape.heads
    attention = 2 * shape.hidden * shape.hidden + 2 * shape.hidden * shape.kv_heads * head_size
    per_token = shape.layers * (attention + 3 * shape.hidden * shape.intermediate)
    scores = shape.layers * 2 * shape.hidden * mean_context
    return 2 * tokens * (per_token + scores) + 2 * predicted * shape.hidden * shape.vocab


def step_flops(shape: Shape) -> dict[str, float]:
    """The least a step can do: a prompt once per group, a response token once, then forward and backward (x 3)."""
    prompt, response, rollouts = shape.prompt_length, shape.response_length, shape.rollouts
    shared = forward_flops(shape, shape.prompts * prompt, prompt / 2, shape.prompts)
    drawn = rollouts * (response - 1)
    decode = forward_flops(shape, drawn, prompt + response / 2, drawn)
    whole = prompt + response
    train = 3 * forward_flops(shape, rollouts * whole, whole / 2, rollouts * response)
    return {"rollout": shared + decode, "update": train}


def matmul_rate(size: int = 2048, repeats: int = 5, dtype: torch.dtype = torch.float32) -> float:
    """FLOP/s of a large product of `dtype`, the best of `repeats`."""
    left, right = (torch.randn(size, size).to(dtype) for _ in range(2))
    best_s = float("inf")
    for _ in range(repeats):
        started = time.perf_counter()
        torch.mm(left, right)
        best_s = min(best_s, time.perf_counter() - started)
    return 2 * size**3 / best_s


def machine(*packages: str) -> str:
    """Date, processor, cores and versions: what a number is worth nothing without."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":", 1)[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in packages)
    cpu = names[0] if names else platform.processor()
    return (
        f"{datetime.datetime.now(tz=datetime.UTC):%Y-%m-%d}, {len(names)} x {cpu}, {torch.get_num_threads()} threads, "
        f"Python {platform.python_version()}, {versions}"
    )


def main() -> int:
    print(machine("torch"))
    for dtype in (torch.float32, torch.bfloat16):
        rate = statistics.median(matmul_rate(dtype=dtype) for _ in range(5))
        print(f"{str(dtype).removeprefix('torch.')} product of 2048 x 2048: {rate / 1e9:.0f} GFLOP/s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
