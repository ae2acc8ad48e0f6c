"""The transformer layer of our Megatron spec: Megatron's modules and weights around a core attention of ours.

Axes: T tokens, H hidden, G key/value groups of this rank, R query heads of each, D head dimension. Hidden states travel
as Megatron's [T, 1, H].
"""

import torch
from megatron.core.transformer.attention import SelfAttention
from megatron.core.transformer.transformer_layer import TransformerLayer
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from or1_trainer.policy.attention_layout import PackedSequences


class PackedSelfAttention(SelfAttention):  # type: ignore[misc]
    """Megatron's self-attention: its fused projection, head norms and output projection around `PackedAttention`."""

    def forward(self, hidden: Tensor, packed: PackedSequences) -> Tensor:
        """Return [T, 1, H] for [T, 1, H]."""
        mixed, _ = self.linear_qkv(hidden)
        mixed_TGRD = mixed.view(
            mixed.shape[0], self.num_query_groups_per_partition, -1, self.hidden_size_per_attention_head
        )
        if self.config.qk_layernorm:
            query, key, value = mixed_TGRD.split((mixed_TGRD.shape[2] - 2, 1, 1), 2)
            mixed_TGRD = torch.cat((self.q_layernorm(query), self.k_layernorm(key), value), 2)
        context = self.core_attention(mixed_TGRD, packed)
        output: Tensor = self.linear_proj(context.unsqueeze(1))[0]
        return output


class PolicyLayer(TransformerLayer):  # type: ignore[misc]
    """Megatron's transformer layer with the pre-norm residual flow only: no dropout, no cross attention."""

    recompute = False
    """Whether the backward pass runs the layer again instead of keeping its activations."""

    def forward(self, hidden_states: Tensor, packed_seq_params: PackedSequences, **_: object) -> tuple[Tensor, None]:
        """Return the layer's output and no cross-attention context, as `TransformerBlock` expects."""
        if self.recompute and torch.is_grad_enabled():
            return checkpoint(
                self._flow, hidden_states, packed_seq_params, use_reentrant=False, preserve_rng_state=False
            ), None
        return self._flow(hidden_states, packed_seq_params), None

    def _flow(self, hidden: Tensor, packed: PackedSequences) -> Tensor:
        hidden = hidden + self.self_attention(self.input_layernorm(hidden), packed)
        update, _no_bias = self.mlp(self.pre_mlp_layernorm(hidden))
        output: Tensor = hidden + update
        return output
