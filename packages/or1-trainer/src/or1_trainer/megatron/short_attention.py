"""Causal attention over short packed pieces on the CPU, with prompts that several responses share.

Two batched products and a softmax, forward, and five of them backward: at 64 x 4 heads of 32 and 73 keys that is faster
than the CPU's flash kernel, which is made for long sequences, and it takes prefixes. With q scaled by D ** -0.5:

    P = softmax(q k^T + bias)      o = P v
    dP = do v^T                    dS = P * (dP - rowsum(P * dP))
    dq = dS k    dk = dS^T q    dv = P^T do     (dk, dv of a prompt: summed over the pieces that go on from it)

Axes: T packed tokens; of a bucket B pieces, L queries, F prefix keys, J = F + L keys, W prompts; G key/value groups of
this rank, R query heads per group, D head dimension. The fused projection is [T, G, R + 2, D].
"""

from typing import Any

import torch
from torch import Tensor

from or1_trainer.megatron.prefix_buckets import PrefixBucket

Buckets = tuple[PrefixBucket, ...]


def short_attention(mixed_TGRD: Tensor, rotation_T: Tensor, buckets: Buckets) -> Tensor:
    """Return the attention output of this rank's heads, [T, G * R * D]; `rotation_T` is complex, [T, 1, D / 2]."""
    output: Tensor = _ShortAttention.apply(mixed_TGRD, rotation_T, buckets)
    return output


class _ShortAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mixed_TGRD: Tensor, rotation_T: Tensor, buckets: Buckets) -> Tensor:
        turned = _pairs(mixed_TGRD[..., :-1, :]) * rotation_T[:, None]
        turned_TGRD, value_TGD = torch.view_as_real(turned).flatten(-2), mixed_TGRD[..., -1, :]
        tokens, groups, heads, dim = mixed_TGRD.shape
        output_TX = mixed_TGRD.new_empty(tokens, groups * (heads - 2) * dim)
        saved: list[Tensor] = []
        for bucket in buckets:
            query, key, value = _heads(turned_TGRD, value_TGD, bucket)
            scores = torch.bmm(query, key.transpose(1, 2)).view(bucket.batch, -1, bucket.length, key.shape[1])
            if bucket.bias is not None:
                scores.add_(bucket.bias)
            probs = scores.softmax(-1).view(*query.shape[:2], -1)
            bucket.put(output_TX, _tokens_first(torch.bmm(probs, value), bucket, groups).flatten(2))
            saved += [query, key, value, probs]
        ctx.buckets, ctx.shape = buckets, mixed_TGRD.shape
        ctx.save_for_backward(rotation_T, *saved)
        return output_TX

    @staticmethod
    def backward(ctx: Any, grad_TX: Tensor) -> tuple[Tensor, None, None]:
        rotation_T, *saved = ctx.saved_tensors
        tokens, groups, heads, dim = ctx.shape
        grad_TGRD = grad_TX.new_empty(tokens, groups, heads, dim)
        prefixes = []
        for index, bucket in enumerate(ctx.buckets):
            query, key, value, probs = saved[4 * index : 4 * index + 4]
            context = _heads_first(bucket.rows(grad_TX).reshape(-1, groups, heads - 2, dim), bucket)
            if bucket.real_slots is not None:
                context = _without_padding(context, bucket)
            scores = torch._softmax_backward_data(torch.bmm(context, value.transpose(1, 2)), probs, -1, probs.dtype)
            grads = (
                torch.bmm(scores, key).mul_(dim**-0.5),
                torch.bmm(scores.transpose(1, 2), query),
                torch.bmm(probs.transpose(1, 2), context),
            )
            _put_own(grad_TGRD, grads, bucket)
            if bucket.prefix_length:
                prefixes.append((bucket, _prefix_grad(grads[1], grads[2], bucket, groups)))
        for bucket, grad_WFG2D in prefixes:  # once all rows are written
            grad_TGRD[:, :, -2:].index_add_(0, bucket.prefix_rows, grad_WFG2D.flatten(0, 1))
        _pairs(grad_TGRD[..., :-1, :]).mul_(rotation_T[:, None].conj())
        return grad_TGRD, None, None


def _pairs(heads: Tensor) -> Tensor:
    """Neighbouring elements as complex numbers."""
    return torch.view_as_complex(heads.unflatten(-1, (-1, 2)))


def _heads(turned_TGRD: Tensor, value_TGD: Tensor, bucket: PrefixBucket) -> tuple[Tensor, Tensor, Tensor]:
    """Scaled queries [B * G, R * L, D], keys and values [B * G, J, D] of a bucket."""
    turned_SGRD = bucket.rows(turned_TGRD)
    query = _heads_first(turned_SGRD[:, :, :-1], bucket).mul_(turned_SGRD.shape[-1] ** -0.5)
    key = _with_prefix(turned_TGRD[:, :, -1], turned_SGRD[:, :, -1], bucket)
    return query, key, _with_prefix(value_TGD, bucket.rows(value_TGD), bucket)


def _heads_first(rows_SGRD: Tensor, bucket: PrefixBucket) -> Tensor:
    """[S, G, R, D] -> a new [B * G, R * L, D]."""
    apart = rows_SGRD.unflatten(0, (bucket.batch, bucket.length)).permute(0, 2, 3, 1, 4)
    return torch.clone(apart, memory_format=torch.contiguous_format).flatten(2, 3).flatten(0, 1)


def _tokens_first(heads: Tensor, bucket: PrefixBucket, groups: int) -> Tensor:
    """[B * G, R * L, D] -> [B, L, G, R, D]."""
    return heads.view(bucket.batch, groups, -1, bucket.length, heads.shape[-1]).permute(0, 3, 1, 2, 4)


def _with_prefix(packed_TGD: Tensor, own_SGD: Tensor, bucket: PrefixBucket) -> Tensor:
    """Keys (or values) of every piece behind those of its prompt, [B * G, J, D]."""
    _, groups, dim = own_SGD.shape
    before = bucket.prefix_length
    whole = own_SGD.new_empty(bucket.batch, groups, before + bucket.length, dim)
    whole[:, :, before:] = own_SGD.unflatten(0, (bucket.batch, bucket.length)).transpose(1, 2)
    if before:
        prompts_WFGD = packed_TGD.index_select(0, bucket.prefix_rows).unflatten(0, (-1, before))
        whole[:, :, :before] = prompts_WFGD.index_select(0, bucket.owner_B).transpose(1, 2)
    return whole.flatten(0, 1)


def _without_padding(context: Tensor, bucket: PrefixBucket) -> Tensor:
    """Zero what the caller's gradient says of padding slots: they repeat rows that count once."""
    is_real_S = torch.zeros(bucket.batch * bucket.length, dtype=torch.bool)
    is_real_S[bucket.real_slots] = True
    padded = ~is_real_S.view(bucket.batch, 1, 1, bucket.length, 1)
    return (
        context.view(bucket.batch, -1, 1, bucket.length, context.shape[-1]).masked_fill_(padded, 0.0).view_as(context)
    )


def _put_own(grad_TGRD: Tensor, grads: tuple[Tensor, Tensor, Tensor], bucket: PrefixBucket) -> None:
    """Gradients of a bucket's own queries, keys and values, laid out as the fused projection."""
    query, key, value = grads
    groups, before = grad_TGRD.shape[1], bucket.prefix_length
    mixed = query.new_empty(bucket.batch, bucket.length, *grad_TGRD.shape[1:])
    mixed[..., :-2, :] = _tokens_first(query, bucket, groups)
    for place, grad in ((-2, key), (-1, value)):
        own = grad.unflatten(0, (bucket.batch, groups))[:, :, before:]
        mixed[..., place, :] = own.transpose(1, 2)
    bucket.put(grad_TGRD, mixed)


def _prefix_grad(key: Tensor, value: Tensor, bucket: PrefixBucket, groups: int) -> Tensor:
    """Gradients of the prompts' keys and values, summed over the pieces that go on from each, [W, F, G, 2, D]."""
    before = bucket.prefix_length
    both = torch.stack([grad.unflatten(0, (bucket.batch, groups))[:, :, :before] for grad in (key, value)], 3)
    grad_BFG2D = both.transpose(1, 2)
    total_WFG2D = grad_BFG2D.new_zeros(len(bucket.prefix_rows) // before, *grad_BFG2D.shape[1:])
    return total_WFG2D.index_add_(0, bucket.owner_B, grad_BFG2D)
