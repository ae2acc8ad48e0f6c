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

from or1_rollout.embedded.sampling import sample
from or1_rollout.products import linear
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


def split_heads(
    layer: LayerWeights, hidden: Tensor, eps: Tensor, rotation: Tensor, shape: Shape
) -> tuple[Tensor, Tensor, Tensor]:
    """Queries [..., g, R, D] and key [..., g, 1, D] normed (Qwen3) and rotated, and value [..., g, 1, D].

    `rotation` is complex, [..., 1, 1, P].
    """
    normed = rms_norm(hidden, layer.input_norm, eps)
    mixed = linear(normed, layer.qkv, layer.qkv_bias).unflatten(-1, [shape.groups, -1, shape.head_dim])
    turning = mixed.narrow(-2, 0, shape.queries + 1)
    q_norm, k_norm = layer.q_norm, layer.k_norm
    if q_norm is not None and k_norm is not None:
        query = rms_norm(turning.narrow(-2, 0, shape.queries), q_norm, eps)
        turning = torch.cat([query, rms_norm(turning.narrow(-2, shape.queries, 1), k_norm, eps)], -2)
    wide = turning.to(torch.float64 if rotation.dtype == torch.complex128 else torch.float32)
    torch.view_as_complex(wide.unflatten(-1, [-1, 2])).mul_(rotation)
    turned = wide.to(mixed.dtype)
    key = turned.narrow(-2, shape.queries, 1)
    return turned.narrow(-2, 0, shape.queries), key, mixed.narrow(-2, shape.queries + 1, 1)


def mlp_input(layer: LayerWeights, hidden: Tensor, eps: Tensor) -> Tensor:
    """silu(gate) * up, what the down projection is applied to."""
    gate, up = linear(rms_norm(hidden, layer.mlp_norm, eps), layer.gate_up).chunk(2, -1)
    return F.silu(gate).mul_(up)


def project(model: ModelWeights, hidden: Tensor) -> Tensor:
    """Final norm and output head; logits in at least float32."""
    logits = linear(rms_norm(hidden, model.norm, model.eps), model.head)
    return logits if logits.dtype == torch.float64 else logits.float()


def attend(query: Tensor, keys: Tensor, values: Tensor, bias: Optional[Tensor]) -> Tensor:  # noqa: UP045
    """One new token per row against its cache: [N * g, R, D] queries, [N * g, D, L] keys, [N * g, L, D] values.

    Two batched products and a softmax take a third of the time of the CPU's flash kernel at 64 rows and 50 columns.
    `bias` [N * g, 1, L] is 0, or -inf at padding.
    """
    scale = query.size(-1) ** -0.5
    if query.element_size() < 4:
        return F.scaled_dot_product_attention(query, keys.transpose(1, 2), values, attn_mask=bias)
    scores = torch.bmm(query * scale, keys) if bias is None else torch.baddbmm(bias, query, keys, alpha=scale)
    return torch.bmm(scores.softmax(-1), values)


def step(
    model: ModelWeights,
    layers: list[LayerWeights],
    caches: tuple[list[Tensor], list[Tensor], Optional[Tensor]],  # noqa: UP045
    column: int,
    tokens_N: Tensor,
    rotation: Tensor,
    shape: Shape,
) -> Tensor:
    """Append one token to every row, at `column` of the cache; logits of the next [N, V]."""
    keys, values, whole_bias = caches
    bias = None if whole_bias is None else whole_bias[:, :, : column + 1]
    hidden = F.embedding(tokens_N, model.embedding)
    for index, layer in enumerate(layers):
        query, key, value = split_heads(layer, hidden, model.eps, rotation, shape)
        keys[index][:, :, column] = key.reshape(-1, shape.head_dim)
        values[index][:, column] = value.reshape(-1, shape.head_dim)
        context = attend(
            query.reshape(-1, shape.queries, shape.head_dim),
            keys[index][:, :, : column + 1],
            values[index][:, : column + 1],
            bias,
        )
        hidden = linear(context.view(hidden.size(0), -1), layer.out).add_(hidden)
        hidden = linear(mlp_input(layer, hidden, model.eps), layer.down).add_(hidden)
    return project(model, hidden)


@program
def decode_block(
    model: ModelWeights,
    layers: list[LayerWeights],
    caches: tuple[list[Tensor], list[Tensor], Optional[Tensor]],  # noqa: UP045
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
            logits_NV = step(model, layers, caches, column + index, token_N, rotation_NT11P[:, index], shape)
    return torch.stack(tokens, 1), torch.stack(logprobs, 1), logits_NV
