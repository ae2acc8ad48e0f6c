"""The decoding steps of a block of tokens, as one program (`or1_rollout.programs`).

At a million parameters a step costs what its operations cost to call: 64 rows of 32 tokens at 0.13M parameters take
46 ms as a program and 79 ms called from Python (one thread of a busy machine, 2026-11-28).

Axes: N rows, T tokens of the block, H hidden, g key/value heads, R query heads of each, D head size, P pairs of a head,
L columns of the cache in use, V vocabulary.
"""

from typing import NamedTuple, Optional

import torch
import torch.nn.functional as F
from torch import Tensor

from or1_rollout.engines.transformers.sampling import sample
from or1_rollout.products import linear, linear_onto
from or1_rollout.programs import program


class LayerWeights(NamedTuple):
    """One decoder layer; None where the family has no such weight."""

    input_norm: Tensor
    qkv: Tensor
    """[g * (R + 2) * D, H]: of every key/value head its queries, its key, its value."""
    qkv_bias: Optional[Tensor]  # noqa: UP045 - TorchScript reads this
    q_norm: Optional[Tensor]  # noqa: UP045
    k_norm: Optional[Tensor]  # noqa: UP045
    out: Tensor
    mlp_norm: Tensor
    gate_up: Tensor
    down: Tensor


class ModelWeights(NamedTuple):
    """What lies around the layers."""

    embedding: Tensor
    norm: Tensor
    head: Tensor
    eps: Tensor
    """Of all norms; a tensor of one number, because an operation wants it so."""


class Cache(NamedTuple):
    """What the rows of a batch have seen."""

    keys: Tensor
    """[layers, N * g, D, L], as the product with the queries wants them."""
    values: Tensor
    """[layers, N * g, L, D]."""
    bias: Optional[Tensor]  # noqa: UP045
    """[N * g, 1, L]: 0, or -inf at padding; None where there is none."""


class Shape(NamedTuple):
    """Numbers of the model, and how its logits are sampled."""

    groups: int
    queries: int
    head_dim: int
    temperature: float
    top_p: float
    top_k: int


def rms_norm(x: Tensor, weight: Tensor, eps: Tensor) -> Tensor:
    """Scale x / rms(x) over the last axis, in half as many operations as `F.rms_norm` takes on a CPU."""
    if x.element_size() < 4:
        return F.rms_norm(x, (x.size(-1),), weight, float(eps))
    norm = torch.ops.aten.linalg_vector_norm(x, 2, [-1], True)
    inverse = torch.addcmul(eps, norm, norm, value=1.0 / x.size(-1)).rsqrt_()
    return (x * inverse).mul_(weight)


def mix_heads(layer: LayerWeights, hidden: Tensor, eps: Tensor, rotation: Tensor, shape: Shape) -> Tensor:
    """Of every key/value head its queries and its key, normed (Qwen3) and rotated, and its value: [..., g, R + 2, D].

    `rotation` is complex, [..., 1, 1, P], and scales (`rotary.rotation_table`).
    """
    normed = rms_norm(hidden, layer.input_norm, eps)
    mixed: Tensor = linear(normed, layer.qkv, layer.qkv_bias).unflatten(-1, [shape.groups, -1, shape.head_dim])
    turning = mixed.narrow(-2, 0, shape.queries + 1)
    q_norm, k_norm = layer.q_norm, layer.k_norm
    if q_norm is not None and k_norm is not None:
        turning[..., :-1, :] = rms_norm(turning.narrow(-2, 0, shape.queries), q_norm, eps)
        turning[..., -1, :] = rms_norm(turning.select(-2, shape.queries), k_norm, eps)
    if mixed.element_size() < 4:  # there are no complex bfloat16 numbers
        wide = turning.float()
        torch.view_as_complex(wide.unflatten(-1, [-1, 2])).mul_(rotation)
        turning.copy_(wide)
    else:
        torch.view_as_complex(turning.unflatten(-1, [-1, 2])).mul_(rotation)
    return mixed


def mlp_input(layer: LayerWeights, hidden: Tensor, eps: Tensor) -> Tensor:
    """silu(gate) * up, what the down projection is applied to."""
    gate, up = linear(rms_norm(hidden, layer.mlp_norm, eps), layer.gate_up).chunk(2, -1)
    return F.silu(gate).mul_(up)


def project(model: ModelWeights, hidden: Tensor) -> Tensor:
    """Final norm and output head; logits in at least float32."""
    logits = linear(rms_norm(hidden, model.norm, model.eps), model.head)
    return logits if logits.dtype == torch.float64 else logits.float()


def run_layers(
    model: ModelWeights,
    layers: list[LayerWeights],
    ids_PL: Tensor,
    rotation: Tensor,
    mask: Optional[Tensor],  # noqa: UP045
    shape: Shape,
) -> tuple[Tensor, list[Tensor]]:
    """Hidden states of whole sequences before the final norm; every layer's keys and values, [P, L, g, 2, D]."""
    hidden = F.embedding(ids_PL, model.embedding)
    kept: list[Tensor] = []
    for layer in layers:
        mixed = mix_heads(layer, hidden, model.eps, rotation, shape)
        kept.append(mixed.narrow(-2, shape.queries, 2))
        context = F.scaled_dot_product_attention(
            mixed.narrow(-2, 0, shape.queries).flatten(2, 3).transpose(1, 2),
            mixed.select(-2, shape.queries).transpose(1, 2),
            mixed.select(-2, shape.queries + 1).transpose(1, 2),
            attn_mask=mask,
            is_causal=mask is None,
            scale=1.0,
            enable_gqa=True,
        )
        hidden = linear(context.transpose(1, 2).flatten(2), layer.out).add_(hidden)
        hidden = linear(mlp_input(layer, hidden, model.eps), layer.down).add_(hidden)
    return hidden, kept


@program
def whole_logits(
    model: ModelWeights, layers: list[LayerWeights], ids_1L: Tensor, rotation: Tensor, shape: Shape
) -> Tensor:
    """Logits at every position of one sequence, [L, V]."""
    hidden, _ = run_layers(model, layers, ids_1L, rotation, None, shape)
    return project(model, hidden[0])


@program
def prefill(
    model: ModelWeights,
    layers: list[LayerWeights],
    ids_PL: Tensor,
    rotation: Tensor,
    mask: Optional[Tensor],  # noqa: UP045
    prompt_N: Tensor,
    capacity: int,
    shape: Shape,
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute every prompt once and give row n what `prompt_N[n]` left: logits [N, V], `Cache.keys` and `.values`."""
    hidden, kept = run_layers(model, layers, ids_PL, rotation, mask, shape)
    lines, length = prompt_N.size(0) * shape.groups, ids_PL.size(1)
    keys = hidden.new_empty([len(kept), lines, shape.head_dim, capacity])
    values = hidden.new_empty([len(kept), lines, capacity, shape.head_dim])
    for index, keys_values in enumerate(kept):
        rows = keys_values[prompt_N].transpose(1, 2).flatten(0, 1)  # [N * g, L, 2, D]
        keys[index, :, :, :length] = rows.select(2, 0).transpose(1, 2)
        values[index, :, :length] = rows.select(2, 1)
    return project(model, hidden[:, -1])[prompt_N], keys, values


def attend(query: Tensor, keys: Tensor, values: Tensor, bias: Optional[Tensor]) -> Tensor:  # noqa: UP045
    """One new token per row against its cache: [N * g, R, D] queries, [N * g, D, L] keys, [N * g, L, D] values.

    Two batched products and a softmax take a third of the time of the CPU's flash kernel at 64 rows and 50 columns.
    `bias` [N * g, 1, L] is 0, or -inf at padding.
    """
    if query.element_size() < 4:
        return F.scaled_dot_product_attention(query, keys.transpose(1, 2), values, attn_mask=bias, scale=1.0)
    scores = torch.bmm(query, keys) if bias is None else torch.baddbmm(bias, query, keys)
    return torch.bmm(scores.softmax(-1), values)


def step(
    model: ModelWeights,
    layers: list[LayerWeights],
    cache: Cache,
    column: int,
    tokens_N: Tensor,
    rotation: Tensor,
    shape: Shape,
) -> Tensor:
    """Append one token to every row, at `column` of the cache; logits of the next [N, V]."""
    whole_bias = cache.bias
    bias = None if whole_bias is None else whole_bias[:, :, : column + 1]
    hidden = F.embedding(tokens_N, model.embedding)
    for index, layer in enumerate(layers):
        mixed = mix_heads(layer, hidden, model.eps, rotation, shape)
        keys, values = cache.keys[index], cache.values[index]
        keys[:, :, column] = mixed.select(-2, shape.queries).flatten(0, 1)
        values[:, column] = mixed.select(-2, shape.queries + 1).flatten(0, 1)
        query = mixed.narrow(-2, 0, shape.queries).flatten(0, 1)
        context = attend(query, keys.narrow(2, 0, column + 1), values.narrow(1, 0, column + 1), bias)
        hidden = linear_onto(hidden, context.view(hidden.size(0), -1), layer.out)
        hidden = linear_onto(hidden, mlp_input(layer, hidden, model.eps), layer.down)
    return project(model, hidden)


@program
def decode_block(
    model: ModelWeights,
    layers: list[LayerWeights],
    cache: Cache,
    column: int,
    logits_NV: Tensor,
    uniform_NT: Tensor,
    rotation_NT11P: Tensor,
    shape: Shape,
) -> tuple[Tensor, Tensor, Tensor]:
    """Draw T tokens for every row and append the first of them that `rotation_NT11P` has a place for.

    Returns tokens and log-probs, [N, T], and the logits behind the last token appended.
    """
    tokens: list[Tensor] = []
    logprobs: list[Tensor] = []
    for index in range(uniform_NT.size(1)):
        token_N, logprob_N = sample(logits_NV, uniform_NT[:, index], shape.temperature, shape.top_p, shape.top_k)
        tokens.append(token_N)
        logprobs.append(logprob_N)
        if index < rotation_NT11P.size(1):
            logits_NV = step(model, layers, cache, column + index, token_N, rotation_NT11P[:, index], shape)
    return torch.stack(tokens, 1), torch.stack(logprobs, 1), logits_NV
