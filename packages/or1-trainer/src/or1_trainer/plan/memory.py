"""Bytes on one GPU while it trains and while it samples.

What Megatron keeps (`policy/optimizer/distributed.py`): weights in bfloat16, gradients in a float32 buffer, and, cut
over the data ranks, float32 master weights with two moments. Activations are what autograd keeps of one micro-batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from or1_trainer.config.schema import RunConfig
from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.shape import Shape

GB = 1e9
WEIGHT, GRADIENT, OPTIMIZER = 2, 4, 12
"""Bytes a parameter: bfloat16; float32; float32 master and two moments."""

RUNTIME_GB = 3.0
"""CUDA context, NCCL buffers, fragmentation: an allowance, not a measurement."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """GB on one GPU."""

    weights: float
    gradients: float
    optimizer: float
    activations: float
    logits: float
    engine: float
    kv_tokens: int
    """Tokens whose keys and values the engine's share holds, over its tensor-parallel GPUs."""
    while_training: float
    while_sampling: float


def memory_of(shape: Shape, config: RunConfig, layout: Layout, gpu: Gpu, context_tokens: int) -> Memory:
    """Of the fullest moment of each of the two phases; with vLLM asleep while the policy trains."""
    share = shape.parameters / layout.tensor / GB
    copies = 2 if config.loss.kl_beta else 1
    weights, gradients = copies * WEIGHT * share, GRADIENT * share
    optimizer = 0.0 if config.optimizer.cpu_offload else OPTIMIZER * share / layout.data
    tokens = max(config.batch.microbatch_tokens, context_tokens)
    activations = activation_bytes(shape, config, layout.tensor, tokens) / GB
    logits = logits_bytes(shape, config.batch.chunk_tokens, layout.tensor) / GB
    engine = config.rollout.vllm.memory_share * gpu.memory_gb if config.rollout.engine == "vllm" else 0.0
    state = weights + gradients + optimizer + RUNTIME_GB
    awake = 0.0 if config.rollout.vllm.sleep else engine
    return Memory(
        weights=weights,
        gradients=gradients,
        optimizer=optimizer,
        activations=activations,
        logits=logits,
        engine=engine,
        kv_tokens=kv_tokens(shape, engine * GB, config.rollout.vllm.tensor),
        while_training=state + activations + logits + awake,
        while_sampling=state + engine,
    )


def activation_bytes(shape: Shape, config: RunConfig, tensor: int, tokens: int) -> float:
    """Kept for the backward pass of one micro-batch of `tokens` tokens.

    A layer keeps, in bfloat16 and per token: the inputs of two norms and of the two projections behind them (4 H, cut
    over tensor ranks with sequence parallelism), queries, keys, values and the attention's output, gate, up and their
    product with its activation (cut over tensor ranks always). With recomputation only each layer's input stays,
    and one layer at a time is whole.
    """
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    uncut = 4 * shape.hidden / (tensor if config.parallel.sequence else 1)
    layer = 2 * tokens * (uncut + (2 * queries + 2 * keys + 4 * shape.intermediate) / tensor)
    if not config.batch.recompute:
        return shape.layers * layer
    kept = 2 * tokens * shape.hidden / (tensor if config.parallel.sequence else 1)
    return shape.layers * kept + layer


def logits_bytes(shape: Shape, chunk_tokens: int, tensor: int) -> float:
    """One chunk of the output projection: its logits and their gradient in float32 (`policy/token_stats.py`)."""
    return 2 * 4 * chunk_tokens * shape.vocabulary / tensor


def kv_tokens(shape: Shape, engine_bytes: float, tensor: int) -> int:
    """Tokens that fit beside the weights in vLLM's share of `tensor` GPUs."""
    room = engine_bytes * tensor - WEIGHT * shape.parameters
    return max(0, int(room / shape.kv_bytes_per_token))
