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

from or1_rollout.programs import program
from or1_trainer.megatron.prefix_buckets import PrefixBucket


def short_attention(mixed_TGRD: Tensor, rotation_T: Tensor, buckets: list[PrefixBucket]) -> Tensor:
    """Return the attention output of this rank's heads, [T, G * R * D]; `rotation_T` is complex, [T, 1, D / 2]."""
    output: Tensor = _ShortAttention.apply(mixed_TGRD, rotation_T, buckets)
    return output


class _ShortAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mixed_TGRD: Tensor, rotation_T: Tensor, buckets: list[PrefixBucket]) -> Tensor:
        output_TX, saved = _attend(mixed_TGRD, rotation_T, buckets)
        ctx.buckets, ctx.shape = buckets, list(mixed_TGRD.shape)
        ctx.save_for_backward(rotation_T, *saved)
        return output_TX

    @staticmethod
    def backward(ctx: Any, grad_TX: Tensor) -> tuple[Tensor, None, None]:
        rotation_T, *saved = ctx.saved_tensors
        return _attend_grad(grad_TX, rotation_T, ctx.buckets, saved, ctx.shape), None, None


def attend(mixed_TGRD: Tensor, rotation_T: Tensor, buckets: list[PrefixBucket]) -> tuple[Tensor, list[Tensor]]:
    """The output, and of every bucket its queries, keys, values and probabilities. For programs."""
    turned = _pairs(mixed_TGRD.narrow(2, 0, mixed_TGRD.size(2) - 1)) * rotation_T[:, None]
    turned_TGRD, value_TGD = torch.view_as_real(turned).flatten(-2), mixed_TGRD.select(2, -1)
    tokens, groups, heads, dim = mixed_TGRD.shape
    output_TX = mixed_TGRD.new_empty([tokens, groups * (heads - 2) * dim])
    saved: list[Tensor] = []
    for bucket in buckets:
        turned_SGRD = _rows(turned_TGRD, bucket)
        query = _heads_first(turned_SGRD.narrow(2, 0, heads - 2), bucket).mul_(float(dim) ** -0.5)
        key = _with_prefix(turned_TGRD.select(2, -1), turned_SGRD.select(2, -1), bucket)
        value = _with_prefix(value_TGD, _rows(value_TGD, bucket), bucket)
        scores = torch.bmm(query, key.transpose(1, 2)).view(bucket.batch, -1, bucket.length, key.size(1))
        bias = bucket.bias
        if bias is not None:
            scores.add_(bias)
        probs = scores.softmax(-1).view(query.size(0), query.size(1), -1)
        _put(_tokens_first(torch.bmm(probs, value), bucket, groups).flatten(2), output_TX, bucket)
        saved += [query, key, value, probs]
    return output_TX, saved


def attend_grad(
    grad_TX: Tensor, rotation_T: Tensor, buckets: list[PrefixBucket], saved: list[Tensor], shape: list[int]
) -> Tensor:
    """The gradient of the fused projection, [T, G, R + 2, D]. For programs."""
    _, groups, heads, dim = shape
    grad_TGRD = grad_TX.new_empty(shape)
    prefix_grads: list[Tensor] = []
    for index, bucket in enumerate(buckets):
        query, key, value, probs = saved[4 * index], saved[4 * index + 1], saved[4 * index + 2], saved[4 * index + 3]
        context = _heads_first(_rows(grad_TX, bucket).reshape(-1, groups, heads - 2, dim), bucket)
        padding_BL = bucket.padding_BL
        if padding_BL is not None:  # padding repeats rows that count once
            apart = context.view(bucket.batch, -1, bucket.length, dim)
            apart.masked_fill_(padding_BL[:, None, :, None], 0.0)
        scores = torch._softmax_backward_data(torch.bmm(context, value.transpose(1, 2)), probs, -1, probs.dtype)
        grad_key = torch.bmm(scores.transpose(1, 2), query).view(bucket.batch, groups, -1, dim)
        grad_value = torch.bmm(probs.transpose(1, 2), context).view(bucket.batch, groups, -1, dim)
        before = bucket.prefix_length
        mixed = query.new_empty([bucket.batch, bucket.length, groups, heads, dim])
        grad_query = torch.bmm(scores, key).mul_(float(dim) ** -0.5)
        mixed.narrow(3, 0, heads - 2).copy_(_tokens_first(grad_query, bucket, groups))
        mixed.select(3, heads - 2).copy_(grad_key[:, :, before:].transpose(1, 2))
        mixed.select(3, heads - 1).copy_(grad_value[:, :, before:].transpose(1, 2))
        _put(mixed, grad_TGRD, bucket)
        both = torch.stack([grad_key[:, :, :before], grad_value[:, :, :before]], 3).transpose(1, 2)
        prefix_grads.append(both)  # [B, F, G, 2, D]
    for index, bucket in enumerate(buckets):  # once all rows are written
        if bucket.prefix_length:
            total = prefix_grads[index].new_zeros([bucket.prefix_rows.size(0) // bucket.prefix_length, 1, 1, 1, 1])
            total = total.expand(-1, bucket.prefix_length, groups, 2, dim).contiguous()
            total.index_add_(0, bucket.owner_B, prefix_grads[index])
            grad_TGRD.narrow(2, heads - 2, 2).index_add_(0, bucket.prefix_rows, total.flatten(0, 1))
    _pairs(grad_TGRD.narrow(2, 0, heads - 1)).mul_(rotation_T[:, None].conj())
    return grad_TGRD


_attend, _attend_grad = program(attend), program(attend_grad)


def _pairs(heads: Tensor) -> Tensor:
    """Neighbouring elements as complex numbers."""
    return torch.view_as_complex(heads.unflatten(-1, [-1, 2]))


def _rows(packed_TX: Tensor, bucket: PrefixBucket) -> Tensor:
    """The slots' rows of a packed tensor, [S, ...]."""
    if bucket.first >= 0:
        return packed_TX.narrow(0, bucket.first, bucket.batch * bucket.length)
    return packed_TX.index_select(0, bucket.take_S)


def _put(padded_BLX: Tensor, target_TX: Tensor, bucket: PrefixBucket) -> None:
    """Write a padded tensor's real rows where they belong."""
    if bucket.first >= 0:
        target_TX.narrow(0, bucket.first, bucket.batch * bucket.length).view(padded_BLX.shape).copy_(padded_BLX)
    else:
        rows_SX, take_S, real_slots = padded_BLX.flatten(0, 1), bucket.take_S, bucket.real_slots
        if real_slots is not None:
            rows_SX, take_S = rows_SX.index_select(0, real_slots), take_S.index_select(0, real_slots)
        target_TX.index_copy_(0, take_S, rows_SX)


def _heads_first(rows_SGRD: Tensor, bucket: PrefixBucket) -> Tensor:
    """[S, G, R, D] -> a new [B * G, R * L, D]."""
    apart: Tensor = rows_SGRD.unflatten(0, [bucket.batch, bucket.length]).permute(0, 2, 3, 1, 4)
    return apart.clone(memory_format=torch.contiguous_format).flatten(2, 3).flatten(0, 1)


def _tokens_first(heads: Tensor, bucket: PrefixBucket, groups: int) -> Tensor:
    """[B * G, R * L, D] -> [B, L, G, R, D]."""
    return heads.view(bucket.batch, groups, -1, bucket.length, heads.size(-1)).permute(0, 3, 1, 2, 4)


def _with_prefix(packed_TGD: Tensor, own_SGD: Tensor, bucket: PrefixBucket) -> Tensor:
    """Keys (or values) of every piece behind those of its prompt, [B * G, J, D]."""
    before = bucket.prefix_length
    whole = own_SGD.new_empty([bucket.batch, own_SGD.size(1), before + bucket.length, own_SGD.size(2)])
    whole[:, :, before:].copy_(own_SGD.unflatten(0, [bucket.batch, bucket.length]).transpose(1, 2))
    if before:
        prompts_WFGD = packed_TGD.index_select(0, bucket.prefix_rows).unflatten(0, [-1, before])
        whole[:, :, :before].copy_(prompts_WFGD.index_select(0, bucket.owner_B).transpose(1, 2))
    return whole.flatten(0, 1)
