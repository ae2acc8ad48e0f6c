"""The core attention of our Megatron spec: causal, over packed pieces, with prompts that several responses share.

Axes: T packed tokens, J keys of all pieces, G key/value groups of this rank, R query heads of each, D head dimension. A
rank's fused projection is laid out [T, G, R + 2, D]: R queries, key, value.
"""

from typing import Any

import torch
from megatron.core.transformer.module import MegatronModule
from megatron.core.transformer.transformer_config import TransformerConfig
from torch import Tensor

from or1_trainer.policy.attention_layout import PackedSequences
from or1_trainer.policy.block_attention import block_attention
from or1_trainer.policy.rope import rotate


class PackedAttention(MegatronModule):  # type: ignore[misc]
    """Rotary embedding and attention; it has no weights."""

    def __init__(self, config: TransformerConfig, **_: object) -> None:
        """Accept the arguments Megatron passes to every core attention."""
        super().__init__(config=config)

    def forward(self, mixed_TGRD: Tensor, packed: PackedSequences) -> Tensor:
        """Return the attention output of this rank's heads, [T, G * R * D], for fused projections [T, G, R + 2, D]."""
        rotated = rotate(mixed_TGRD, packed.rotation)
        query, key, value = rotated[..., :-2, :], rotated[..., -2, :], rotated[..., -1, :]
        if packed.key_rows_J is None:
            output = block_attention(query, key, value, packed.blocks)
        else:
            output = varlen_attention(query, key, value, packed)
        return output.flatten(1)


def varlen_attention(query_TGRD: Tensor, key_TGD: Tensor, value_TGD: Tensor, packed: PackedSequences) -> Tensor:
    """Torch's variable-length flash attention, for half precision on CUDA; [T, G * R, D]. Never run on a GPU so far.

    Every piece has its prompt's keys in front of its own. With more keys than queries flash attention aligns the causal
    mask at the last query and the last key, so that each query sees the whole prompt. (To compute the two apart and
    merge them by log-sum-exp is no option with this interface: its backward pass ignores the log-sum-exp's gradient.)
    """
    from torch.nn.attention.varlen import varlen_attn  # loads CUDA-only operators

    assert packed.key_rows_J is not None
    keys, values = (_Gather.apply(rows, packed.key_rows_J) for rows in (key_TGD, value_TGD))
    output: Any = varlen_attn(
        query_TGRD.flatten(1, 2),
        keys,
        values,
        packed.cu_seqlens_q,
        packed.cu_seqlens_kv,
        packed.max_seqlen_q,
        packed.max_seqlen_kv,
        window_size=(-1, 0),
        enable_gqa=True,
    )
    attended: Tensor = output
    return attended


class _Gather(torch.autograd.Function):
    """Rows by index; the gradients of a row that is taken several times are summed in float32."""

    @staticmethod
    def forward(ctx: Any, rows_TGD: Tensor, index_J: Tensor) -> Tensor:
        ctx.save_for_backward(index_J)
        ctx.shape = rows_TGD.shape
        return rows_TGD.index_select(0, index_J)

    @staticmethod
    def backward(ctx: Any, grad_JGD: Tensor) -> tuple[Tensor, None]:
        (index_J,) = ctx.saved_tensors
        wide = torch.promote_types(grad_JGD.dtype, torch.float32)
        total = torch.zeros(ctx.shape, dtype=wide, device=grad_JGD.device)
        return total.index_add_(0, index_J, grad_JGD.to(wide)).to(grad_JGD.dtype), None
