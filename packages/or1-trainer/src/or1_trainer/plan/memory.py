"""Memory of one GPU during the update and during the rollout.

Megatron (`policy/optimizer/distributed.py`) stores weights in bfloat16, gradients in a float32 buffer and, sharded over
data-parallel ranks, float32 master weights with two moments. Activations: what autograd stores for one micro-batch.
"""

from __future__ import annotations

from dataclasses import dataclass

from or1_trainer.config.schema import RunConfig
from or1_trainer.plan.gpus import Gpu
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.shape import Shape

GB = 1e9
WEIGHT, GRADIENT, OPTIMIZER = 2, 4, 12
"""Bytes per parameter: bfloat16; float32; float32 master weight and two moments."""

RUNTIME_GB = 3.0
"""CUDA context, NCCL buffers, fragmentation: assumed, not measured."""


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
    """Tokens that fit into the KV cache of one engine, over its tensor-parallel GPUs."""
    while_training: float
    while_sampling: float


def memory_of(shape: Shape, config: RunConfig, layout: Layout, gpu: Gpu, context_tokens: int) -> Memory:
    """Return the peaks of the two phases; vLLM sleeps during the update if `rollout.vllm.sleep` is set."""
    share = shape.parameters / layout.tensor / GB
    copies = 2 if config.loss.kl_beta else 1
    weights, gradients = copies * WEIGHT * share, GRADIENT * share
    optimizer = OPTIMIZER * share / layout.data
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
    """Bytes that the backward pass of a micro-batch of `tokens` tokens needs.

    A layer stores per token, in bfloat16: the inputs of two norms and of the projections after them (4 H, sharded over
    tensor ranks only with sequence parallelism), and queries, keys, values, the output of attention, gate, up, the
    activation and the product (always sharded over tensor ranks). With recomputation only the inputs of layers are
    stored, plus everything of one layer at a time.
    """
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    unsharded = 4 * shape.hidden / (tensor if config.parallel.sequence else 1)
    layer = 2 * tokens * (unsharded + (2 * queries + 2 * keys + 4 * shape.intermediate) / tensor)
    if not config.batch.recompute:
        return shape.layers * layer
    kept = 2 * tokens * shape.hidden / (tensor if config.parallel.sequence else 1)
    return shape.layers * kept + layer


def logits_bytes(shape: Shape, chunk_tokens: int, tensor: int) -> float:
    """Logits of one chunk of tokens and their gradient, in float32 (`policy/token_stats.py`)."""
    return 2 * 4 * chunk_tokens * shape.vocabulary / tensor


def kv_tokens(shape: Shape, engine_bytes: float, tensor: int) -> int:
    """Tokens whose keys and values fit beside the weights in vLLM's memory on `tensor` GPUs."""
    room = engine_bytes * tensor - WEIGHT * shape.parameters
    return max(0, int(room / shape.kv_bytes_per_token))
