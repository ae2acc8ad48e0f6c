"""Causal attention over packed sequences: variable-length flash attention on CUDA, padded buckets on the CPU.

On the CPU short sequences go to `short_attention`, long ones through its flash kernel. The flash kernels on CUDA take
half precision only; float32 goes through padded buckets there too.

Axes: T packed tokens, S padded slots, B sequences of a bucket, L their padded length, G key/value groups of this rank,
R query heads per group, D head dimension. A rank's fused projection is laid out [T, G, R + 2, D]: R queries, key,
value.
"""

from typing import Any

import torch
import torch.nn.functional as F
from megatron.core.transformer.module import MegatronModule
from megatron.core.transformer.transformer_config import TransformerConfig
from torch import Tensor

from or1_trainer.policy.batch import PackedSequences
from or1_trainer.policy.buckets import Bucket
from or1_trainer.policy.short_attention import short_attention

_flash = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_flash_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


class PackedAttention(MegatronModule):  # type: ignore[misc]
    """The core attention of our layer spec, rotary embedding included; it has no weights."""

    def __init__(self, config: TransformerConfig, **_: object) -> None:
        """Accept the arguments Megatron passes to every core attention."""
        super().__init__(config=config)

    def forward(self, mixed_TGRD: Tensor, packed: PackedSequences) -> Tensor:
        """Return the attention output of this rank's heads, [T, G * R * D], for fused projections [T, G, R + 2, D]."""
        if mixed_TGRD.is_cuda:
            is_half = mixed_TGRD.dtype in (torch.bfloat16, torch.float16)
            return (_varlen_attention if is_half else padded_attention)(mixed_TGRD, packed)
        # there are no complex bfloat16 numbers to rotate with
        wide_TGRD = mixed_TGRD.float() if mixed_TGRD.dtype == torch.bfloat16 else mixed_TGRD
        if packed.short is not None:
            output: Tensor = short_attention(wide_TGRD, packed.short)
        else:
            output = _BucketedAttention.apply(wide_TGRD, packed)
        return output.to(mixed_TGRD.dtype)


def _varlen_attention(mixed_TGRD: Tensor, packed: PackedSequences) -> Tensor:
    """CUDA path: no padding at all. Written against torch 2.13's documentation, never run here (no GPU)."""
    from torch.nn.attention.varlen import varlen_attn  # loads CUDA-only operators

    turned = torch.view_as_complex(mixed_TGRD[..., :-1, :].float().unflatten(-1, (-1, 2))) * packed.rotation_T[:, None]
    turned = torch.view_as_real(turned).flatten(-2).to(mixed_TGRD.dtype)
    query, key, value = turned[..., :-1, :].flatten(1, 2), turned[..., -1, :], mixed_TGRD[..., -1, :]
    bounds, longest = packed.cu_seqlens_q, packed.max_seqlen_q
    output: Any = varlen_attn(
        query,
        key.contiguous(),
        value.contiguous(),
        bounds,
        bounds,
        longest,
        longest,
        window_size=(-1, 0),
        enable_gqa=True,
    )
    flat: Tensor = output.flatten(1)
    return flat


def padded_attention(mixed_TGRD: Tensor, packed: PackedSequences) -> Tensor:
    """The same as the CPU path from torch's own functions, on any device: padding on the right needs no mask."""
    outputs = []
    for bucket in packed.buckets:
        query, key, value = _heads(mixed_TGRD, packed.rotation_T, bucket)
        output_BHLD = F.scaled_dot_product_attention(query, key, value, is_causal=True, enable_gqa=True)
        outputs.append(output_BHLD.transpose(1, 2).reshape(bucket.take_S.numel(), -1))
    return _unpad(outputs, packed.slot_T)


class _BucketedAttention(torch.autograd.Function):
    """CPU path: gather a bucket, rotate, causal flash attention, scatter back; padding on the right needs no mask."""

    @staticmethod
    def forward(ctx: Any, mixed_TGRD: Tensor, packed: PackedSequences) -> Tensor:
        outputs, saved = [], []
        for bucket in packed.buckets:
            query, key, value = _heads(mixed_TGRD, packed.rotation_T, bucket)
            output_BHLD, logsumexp = _flash(query, key, value, 0.0, True)
            outputs.append(output_BHLD.transpose(1, 2).reshape(bucket.take_S.numel(), -1))
            saved += [query, key, value, output_BHLD, logsumexp]
        ctx.packed, ctx.shape = packed, mixed_TGRD.shape
        ctx.save_for_backward(*saved)
        return _unpad(outputs, packed.slot_T)

    @staticmethod
    def backward(ctx: Any, grad_TH: Tensor) -> tuple[Tensor, None]:
        packed, saved, grads = ctx.packed, ctx.saved_tensors, []
        for index, bucket in enumerate(packed.buckets):
            query, key, value, output_BHLD, logsumexp = saved[5 * index : 5 * index + 5]
            grad_SH = grad_TH.index_select(0, bucket.take_S)
            if bucket.is_padding_S1 is not None:
                grad_SH.masked_fill_(bucket.is_padding_S1, 0.0)
            grad_BHLD = grad_SH.view(bucket.batch, bucket.length, *query.shape[1::2]).transpose(1, 2)
            head_grads = _flash_backward(grad_BHLD, query, key, value, output_BHLD, logsumexp, 0.0, True)
            grads.append(_mixed_grad(head_grads, packed.rotation_T, bucket, ctx.shape))
        return _unpad(grads, packed.slot_T).view(ctx.shape), None


def _heads(mixed_TGRD: Tensor, rotation_T: Tensor, bucket: Bucket) -> tuple[Tensor, Tensor, Tensor]:
    """Gather a bucket and return its rotated queries [B, G * R, L, D], keys and values [B, G, L, D]."""
    tokens, groups, heads, dim = mixed_TGRD.shape
    mixed = mixed_TGRD.reshape(tokens, -1).index_select(0, bucket.take_S)
    mixed = mixed.view(bucket.batch, bucket.length, groups, heads, dim)
    turn = rotation_T.index_select(0, bucket.take_S).view(bucket.batch, bucket.length, 1, 1, dim // 2)
    torch.view_as_complex(mixed.unflatten(-1, (-1, 2)))[..., :-1, :].mul_(turn)
    query = mixed[..., :-2, :].permute(0, 2, 3, 1, 4).reshape(bucket.batch, -1, bucket.length, dim)
    return query, mixed[..., -2, :].transpose(1, 2), mixed[..., -1, :].transpose(1, 2)


def _mixed_grad(
    head_grads: tuple[Tensor, Tensor, Tensor], rotation_T: Tensor, bucket: Bucket, shape: torch.Size
) -> Tensor:
    """Turn the gradients of queries, keys and values back and lay them out as the fused projection, [S.

    G * (R + 2) * D].
    """
    _, groups, heads, dim = shape
    query, key, value = head_grads
    mixed = query.new_empty(bucket.batch, bucket.length, groups, heads, dim)
    mixed[..., :-2, :] = query.view(bucket.batch, groups, heads - 2, bucket.length, dim).permute(0, 3, 1, 2, 4)
    mixed[..., -2, :] = key.transpose(1, 2)
    mixed[..., -1, :] = value.transpose(1, 2)
    turn = rotation_T.index_select(0, bucket.take_S).view(bucket.batch, bucket.length, 1, 1, dim // 2)
    torch.view_as_complex(mixed.unflatten(-1, (-1, 2)))[..., :-1, :].mul_(turn.conj())
    return mixed.view(bucket.batch * bucket.length, -1)


def _unpad(padded: list[Tensor], slot_T: Tensor) -> Tensor:
    """Bring the padded rows of all buckets back to packed order."""
    rows_SH = padded[0] if len(padded) == 1 else torch.cat(padded)
    return rows_SH.index_select(0, slot_T)
