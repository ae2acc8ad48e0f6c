"""Memory of one GPU during the update and during the rollout.

Megatron (`policy/optimizer/distributed.py`) stores weights in bfloat16, gradients in a float32 buffer and, sharded over
data-parallel ranks, float32 master weights with two moments. Activations: what autograd stores for one micro-batch.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

from msgspec.structs import replace

from or1_trainer.config.schema import RunConfig
from or1_trainer.plan.frozen_models import frozen_gb
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
    """What a micro-batch keeps for its backward pass, and Megatron's buffer for gathered inputs."""
    layer: float
    """The backward pass of one layer beside that."""
    logits: float
    """The backward pass of the head beside that; it is over when those of the layers begin."""
    frozen: float
    """A teacher and reward models."""
    engine: float
    push: float
    """The largest weight, whole, while it is gathered."""
    kv_tokens: int
    """Tokens that fit into the KV cache of one engine, over its tensor-parallel GPUs."""
    while_training: float
    """The optimizer's state, where it is offloaded, is there during its step, when no activations are."""
    while_sampling: float


def memory_of(shape: Shape, config: RunConfig, layout: Layout, gpu: Gpu, context_tokens: int) -> Memory:
    """Return the peaks of the two phases; vLLM sleeps during the update if `rollout.vllm.sleep` is set."""
    share = shape.rank_parameters(layout.tensor) / GB
    copies = 2 if config.loss.kl_beta else 1
    weights, gradients = copies * WEIGHT * share, GRADIENT * share
    optimizer = OPTIMIZER * share / layout.data
    tokens = max(config.batch.microbatch_tokens, context_tokens)
    activations = activation_bytes(shape, config, layout.tensor, tokens) / GB
    layer = layer_bytes(shape, config, layout.tensor, tokens) / GB
    logits = logits_bytes(shape, config.batch.chunk_tokens, layout.tensor, tokens) / GB
    # a weight sync has the embedding's cuts from all tensor ranks, and the tensor put together
    push = 2 * WEIGHT * shape.embedding_parameters / GB if layout.tensor > 1 else 0.0
    engine = engine_gb(config, gpu)
    beside_weights = engine * GB * config.rollout.vllm.tensor - WEIGHT * shape.parameters
    resting, stepping = (0.0, optimizer) if config.optimizer.offload else (optimizer, 0.0)
    frozen = frozen_gb(config)
    state = weights + gradients + resting + frozen + RUNTIME_GB
    awake = 0.0 if config.rollout.vllm.sleep else engine
    return Memory(
        weights=weights,
        gradients=gradients,
        optimizer=optimizer,
        activations=activations,
        layer=layer,
        logits=logits,
        frozen=frozen,
        engine=engine,
        push=push,
        kv_tokens=max(0, int(beside_weights / shape.kv_bytes_per_token)),
        while_training=state + awake + max(activations + max(layer, logits), push, stepping),
        while_sampling=state + engine,
    )


def engine_gb(config: RunConfig, gpu: Gpu) -> float:
    """What vLLM takes of a GPU."""
    return config.rollout.vllm.memory_share * gpu.memory_gb if config.rollout.engine == "vllm" else 0.0


def activation_bytes(shape: Shape, config: RunConfig, tensor: int, tokens: int) -> float:
    """Bytes that a micro-batch of `tokens` tokens keeps between its forward and its backward pass.

    All layers, or with recomputation only their inputs; the input of the last norm and its output; with sequence
    parallelism Megatron's buffer of gathered inputs, which is never freed.
    """
    whole = 2 * tokens * shape.hidden
    stream = whole / (tensor if config.parallel.sequence else 1)
    per_layer = stream if config.batch.recompute else kept_bytes(shape, config, tensor, tokens)
    buffer = whole if config.parallel.sequence and tensor > 1 else 0
    return shape.layers * per_layer + stream + whole + buffer


def kept_bytes(shape: Shape, config: RunConfig, tensor: int, tokens: int) -> float:
    """Bytes that autograd keeps of one layer.

    Per token, in bfloat16: the inputs of two norms and of the projections after them (4 H, divided by tensor ranks only
    with sequence parallelism); queries, keys, values and the output of attention; gate, up, and their product (always
    divided by tensor ranks).
    """
    queries, keys = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    undivided = 4 * shape.hidden / (tensor if config.parallel.sequence else 1)
    return 2 * tokens * (undivided + (2 * queries + 2 * keys + 3 * shape.intermediate) / tensor)


def layer_bytes(shape: Shape, config: RunConfig, tensor: int, tokens: int) -> float:
    """Bytes of the backward pass of one layer beside what is kept.

    The gradients of gate and up; with recomputation also the layer's activations, except for its input.
    """
    gradients = 4 * tokens * shape.intermediate / tensor
    if not config.batch.recompute:
        return gradients
    stream = 2 * tokens * shape.hidden / (tensor if config.parallel.sequence else 1)
    return gradients + kept_bytes(shape, config, tensor, tokens) - stream


def logits_bytes(shape: Shape, chunk_tokens: int, tensor: int, tokens: int) -> float:
    """Bytes of the head's backward pass, all float32 (`policy/token_stats.py`).

    Log-probabilities and their gradient of one chunk, [C, V / t]; the gradients of the weight, [V / t, H], and of the
    hidden states, [M, H].
    """
    chunk = 2 * 4 * min(chunk_tokens, tokens) * shape.vocabulary / tensor
    return chunk + 4 * shape.vocabulary * shape.hidden / tensor + 4 * tokens * shape.hidden


def most_tokens(shape: Shape, config: RunConfig, layout: Layout, gpu: Gpu) -> int:
    """Return the longest sequence, prompt included, whose training fits; 0 where nothing does.

    Beyond it tensor parallelism with recomputation is not enough, and the sequence itself must be divided.
    """

    def needed_gb(tokens: int) -> float:
        one = replace(config, batch=replace(config.batch, microbatch_tokens=tokens))
        return memory_of(shape, one, layout, gpu, 1).while_training

    return bisect_right(range(1, 2**24), gpu.memory_gb, key=needed_gb)
