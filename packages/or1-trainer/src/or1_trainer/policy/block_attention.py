"""Attention over packed pieces from matrix products alone, in blocks whose scores fit in a processor's cache.

For processors, and for dtypes that the variable-length kernels of GPUs do not take. Torch's own CPU kernel is faster
forward on long sequences, but its backward pass takes 1.3 (float32) and 4 times (bfloat16) as long as these products
(96 pieces of 150 tokens, 9 heads of 64; 2026-11-29), and it knows no prompts that several responses share.

    P = softmax(q k^T / sqrt(D))      o = P v
    dP = do v^T      dS = P * (dP - rowsum(P * dP))      dq = dS k / sqrt(D)      dk = dS^T q / sqrt(D)      dv = P^T do

The backward pass computes P again. For bfloat16 inputs q k^T, P and do v^T are float32, and P and dS are rounded before
they are multiplied, as in flash attention's kernels.

Axes: T packed tokens, G key/value groups of this rank, R query heads of each, D head dimension; of a block B pieces,
L queries and S keys of each.
"""

from typing import Any

import torch
from torch import Tensor

from or1_trainer.policy.attention_layout import Block
from or1_trainer.policy.products import wide_bmm


def block_attention(query_TGRD: Tensor, key_TGD: Tensor, value_TGD: Tensor, blocks: tuple[Block, ...]) -> Tensor:
    """Return the attention output, [T, G, R, D]; zeros where no block has a row."""
    output: Tensor = _BlockAttention.apply(query_TGRD, key_TGD, value_TGD, blocks)
    return output


class _BlockAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, query: Tensor, key: Tensor, value: Tensor, blocks: tuple[Block, ...]) -> Tensor:
        ctx.blocks = blocks
        ctx.save_for_backward(query, key, value)
        output = torch.zeros_like(query, memory_format=torch.contiguous_format)
        for block in blocks:
            queries, keys, values = _queries(query, block), _keys(key, block), _keys(value, block)
            probs = _probabilities(queries, keys, block).to(query.dtype)
            _put(torch.bmm(probs, values), output, block)
        return output

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:
        query, key, value = ctx.saved_tensors
        wide = torch.promote_types(query.dtype, torch.float32)
        grad_query = torch.zeros_like(query, memory_format=torch.contiguous_format)
        grad_key, grad_value = (torch.zeros(key.shape, dtype=wide, device=key.device) for _ in range(2))
        scale = query.shape[-1] ** -0.5
        for block in ctx.blocks:
            queries, keys, values = _queries(query, block), _keys(key, block), _keys(value, block)
            grads = _queries(grad, block)
            if block.is_padding_BL is not None:
                grads.view(query.shape[1], *block.query_rows_BL.shape, -1).masked_fill_(
                    block.is_padding_BL[..., None], 0.0
                )
            probs = _probabilities(queries, keys, block)
            _add(torch.bmm(probs.to(query.dtype).mT, grads), grad_value, block)
            scores = torch._softmax_backward_data(wide_bmm(grads, values.mT), probs, -1, probs.dtype)
            scores = scores.to(query.dtype)
            _put(torch.bmm(scores, keys).mul_(scale), grad_query, block)
            _add(torch.bmm(scores.mT, queries).mul_(scale), grad_key, block)
        return grad_query, grad_key.to(key.dtype), grad_value.to(key.dtype), None


def _queries(packed_TGRD: Tensor, block: Block) -> Tensor:
    """Rows of a block, [G * B, L * R, D]."""
    batch, length = block.query_rows_BL.shape
    rows = packed_TGRD.index_select(0, block.query_rows_BL.view(-1)).transpose(0, 1)
    return rows.reshape(-1, batch, length * rows.shape[2], rows.shape[3]).flatten(0, 1)


def _keys(packed_TGD: Tensor, block: Block) -> Tensor:
    """Keys or values of a block, [G * B, S, D]."""
    rows = packed_TGD.index_select(0, block.key_rows_BS.view(-1)).transpose(0, 1)
    return rows.reshape(-1, block.key_rows_BS.shape[1], rows.shape[2])


def _probabilities(queries: Tensor, keys: Tensor, block: Block) -> Tensor:
    """Attention probabilities, at least float32, [G * B, L * R, S]."""
    batch, length = block.query_rows_BL.shape
    scores = wide_bmm(queries, keys.mT, queries.shape[-1] ** -0.5)
    masked = block.is_hidden_BLS.shape[-1]
    if masked:
        view = scores.view(-1, batch, length, scores.shape[1] // length, scores.shape[2])
        view[..., -masked:].masked_fill_(block.is_hidden_BLS[:, :, None], float("-inf"))
    return scores.softmax(-1)


def _put(rows: Tensor, target_TGRD: Tensor, block: Block) -> None:
    """Write a block's rows, [G * B, L * R, D], to their places."""
    groups, heads, dim = target_TGRD.shape[1:]
    rows = rows.view(groups, -1, heads, dim).transpose(0, 1)
    if block.real_slots is not None:
        rows = rows.index_select(0, block.real_slots)
    target_TGRD.index_copy_(0, block.target_rows, rows.to(target_TGRD.dtype))


def _add(rows: Tensor, total_TGD: Tensor, block: Block) -> None:
    """Add a block's key or value gradients, [G * B, S, D]; a prompt's add up over its responses."""
    groups, dim = total_TGD.shape[1:]
    rows = rows.to(total_TGD.dtype).view(groups, -1, dim).transpose(0, 1)
    total_TGD.index_add_(0, block.key_rows_BS.view(-1), rows)
