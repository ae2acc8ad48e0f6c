"""Causal attention over short packed pieces on the CPU, with prompts that several responses share.

Two batched products and a softmax, forward, and five of them backward: at 64 x 4 heads of 32 and 73 keys that is faster
than the CPU's flash kernel, which is made for long sequences, and it takes prefixes. Queries and keys are turned and
scaled, each by D ** -0.25 (`ShortPlan`); then

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
from or1_trainer.policy.prefix_buckets import PrefixBucket, ShortPlan


def short_attention(mixed_TGRD: Tensor, plan: ShortPlan) -> Tensor:
    """Return the attention output of this rank's heads, [T, G * R * D]."""
    output: Tensor = _ShortAttention.apply(mixed_TGRD, plan)
    return output


class _ShortAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, mixed_TGRD: Tensor, plan: ShortPlan) -> Tensor:
        output_TX, saved = _attend(mixed_TGRD, plan)
        ctx.plan = plan
        ctx.save_for_backward(*saved)
        return output_TX

    @staticmethod
    def backward(ctx: Any, grad_TX: Tensor) -> tuple[Tensor, None]:
        return _attend_grad(grad_TX, ctx.plan, list(ctx.saved_tensors)), None


def attend(mixed_TGRD: Tensor, plan: ShortPlan) -> tuple[Tensor, list[Tensor]]:
    """The output, and of every bucket its queries, its keys and values, and its probabilities. For programs."""
    turned_TGRD = torch.view_as_real(_pairs(mixed_TGRD) * plan.turn_TGRP).flatten(-2)
    tokens, groups, heads, dim = mixed_TGRD.shape
    output_TX = mixed_TGRD.new_empty([tokens, groups * (heads - 2) * dim])
    output_TX.narrow(0, plan.tokens, tokens - plan.tokens).zero_()
    saved: list[Tensor] = []
    for bucket in plan.buckets:
        turned_SGRD = _rows(turned_TGRD, bucket)
        query = _heads_first(turned_SGRD.narrow(2, 0, heads - 2), bucket)
        both = _with_prefix(turned_TGRD.narrow(2, heads - 2, 2), turned_SGRD.narrow(2, heads - 2, 2), bucket)
        key, value = both.select(1, 0), both.select(1, 1)
        scores = torch.bmm(query, key.transpose(1, 2)).view(bucket.batch, -1, bucket.length, key.size(1))
        bias = bucket.bias
        if bias is not None:
            scores.add_(bias)
        probs = scores.softmax(-1).view(query.size(0), query.size(1), -1)
        _put(_tokens_first(torch.bmm(probs, value), bucket, groups).flatten(2), output_TX, bucket)
        saved += [query, both, probs]
    return output_TX, saved


def attend_grad(grad_TX: Tensor, plan: ShortPlan, saved: list[Tensor]) -> Tensor:
    """The gradient of the fused projection, [T, G, R + 2, D]. For programs."""
    tokens, groups, heads, pairs = plan.turn_TGRP.shape
    dim = 2 * pairs
    grad_TGRD = grad_TX.new_empty([tokens, groups, heads, dim])
    grad_TGRD.narrow(0, plan.tokens, tokens - plan.tokens).zero_()
    prefix_grads: list[Tensor] = []
    for index, bucket in enumerate(plan.buckets):
        query, both, probs = saved[3 * index], saved[3 * index + 1], saved[3 * index + 2]
        key, value = both.select(1, 0), both.select(1, 1)
        context = _heads_first(_rows(grad_TX, bucket).reshape(-1, groups, heads - 2, dim), bucket)
        padding_BL = bucket.padding_BL
        if padding_BL is not None:  # padding repeats rows that count once
            apart = context.view(bucket.batch, -1, bucket.length, dim)
            apart.masked_fill_(padding_BL[:, None, :, None], 0.0)
        scores = torch._softmax_backward_data(torch.bmm(context, value.transpose(1, 2)), probs, -1, probs.dtype)
        grad_key = torch.bmm(scores.transpose(1, 2), query).view(bucket.batch, groups, -1, dim)
        grad_value = torch.bmm(probs.transpose(1, 2), context).view(bucket.batch, groups, -1, dim)
        before = bucket.prefix_length
        mixed = _place(grad_TGRD, bucket)
        mixed.narrow(3, 0, heads - 2).copy_(_tokens_first(torch.bmm(scores, key), bucket, groups))
        mixed.select(3, heads - 2).copy_(grad_key[:, :, before:].transpose(1, 2))
        mixed.select(3, heads - 1).copy_(grad_value[:, :, before:].transpose(1, 2))
        if bucket.first < 0:
            _put(mixed, grad_TGRD, bucket)
        if before:
            grad_key = torch.stack([grad_key[:, :, :before], grad_value[:, :, :before]], 3).transpose(1, 2)
        prefix_grads.append(grad_key)  # [B, F, G, 2, D]
    for index, bucket in enumerate(plan.buckets):  # once all rows are written
        if bucket.prefix_length:
            total = prefix_grads[index].new_zeros([bucket.prefix_rows.size(0) // bucket.prefix_length, 1, 1, 1, 1])
            total = total.expand(-1, bucket.prefix_length, groups, 2, dim).contiguous()
            total.index_add_(0, bucket.owner_B, prefix_grads[index])
            grad_TGRD.narrow(2, heads - 2, 2).index_add_(0, bucket.prefix_rows, total.flatten(0, 1))
    _pairs(grad_TGRD).mul_(plan.back_TGRP)
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


def _place(target_TX: Tensor, bucket: PrefixBucket) -> Tensor:
    """Where a bucket's slots may be written, [B, L, ...]: their rows, or room that `_put` must copy from."""
    shape = [bucket.batch, bucket.length] + list(target_TX.shape[1:])  # noqa: RUF005 - TorchScript
    if bucket.first >= 0:
        return target_TX.narrow(0, bucket.first, bucket.batch * bucket.length).view(shape)
    return target_TX.new_empty(shape)


def _put(padded_BLX: Tensor, target_TX: Tensor, bucket: PrefixBucket) -> None:
    """Write a padded tensor's real rows where they belong."""
    if bucket.first >= 0:
        _place(target_TX, bucket).copy_(padded_BLX)
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


def _with_prefix(packed_TG2D: Tensor, own_SG2D: Tensor, bucket: PrefixBucket) -> Tensor:
    """Keys and values of every piece behind those of its prompt, [B * G, 2, J, D]."""
    before, dim = bucket.prefix_length, own_SG2D.size(3)
    whole = own_SG2D.new_empty([bucket.batch, own_SG2D.size(1), 2, before + bucket.length, dim])
    own = own_SG2D.unflatten(0, [bucket.batch, bucket.length])
    whole.narrow(3, before, bucket.length).copy_(own.permute(0, 2, 3, 1, 4))
    if before:
        prompts_WFG2D = packed_TG2D.index_select(0, bucket.prefix_rows).unflatten(0, [-1, before])
        whole.narrow(3, 0, before).copy_(prompts_WFG2D.index_select(0, bucket.owner_B).permute(0, 2, 3, 1, 4))
    return whole.flatten(0, 1)
