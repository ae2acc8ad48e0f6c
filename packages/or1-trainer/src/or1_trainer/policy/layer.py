"""The transformer layer of our Megatron spec: Megatron's modules and weights, with the flow between them replaced.

On the CPU each half of the layer is one program (`attention_half`, `mlp`) on the modules' weights, between the two
collectives; on CUDA, with sequence parallelism, in bfloat16 and for long sequences the modules are called.

Axes: T tokens, H hidden. Hidden states travel as Megatron's [T, 1, H].
"""

from collections.abc import Callable
from functools import cached_property

import torch
from megatron.core.transformer.attention import SelfAttention
from megatron.core.transformer.transformer_layer import TransformerLayer
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from or1_trainer.policy.attention_half import AttentionShape, AttentionWeights, attention_half
from or1_trainer.policy.batch import PackedSequences
from or1_trainer.policy.linear import packed_linear
from or1_trainer.policy.mlp import mlp_half
from or1_trainer.policy.tensor_ranks import num_ranks, shared, summed


class PackedSelfAttention(SelfAttention):  # type: ignore[misc]
    """Megatron's self-attention (its fused projection, QK norms and output projection) around `PackedAttention`.

    On the CPU its weights are multiplied by `packed_linear`, between the same two collectives: Megatron's linear layers
    are Python functions to autograd, forward and backward, and add the bias in a pass of its own.
    """

    def forward(self, hidden: Tensor, packed: PackedSequences) -> Tensor:
        """Return [T, 1, H] for [T, 1, H]."""
        is_plain = not (hidden.is_cuda or self.config.sequence_parallel)
        if is_plain:
            mixed = packed_linear(shared(hidden), self.linear_qkv.weight, self.linear_qkv.bias)
        else:
            mixed, _ = self.linear_qkv(hidden)
        mixed_TGRD = mixed.view(
            mixed.shape[0], self.num_query_groups_per_partition, -1, self.hidden_size_per_attention_head
        )
        if self.config.qk_layernorm:
            query, key, value = mixed_TGRD.split((mixed_TGRD.shape[2] - 2, 1, 1), 2)
            mixed_TGRD = torch.cat((self.q_layernorm(query), self.k_layernorm(key), value), 2)
        context = self.core_attention(mixed_TGRD, packed)
        if is_plain:
            return summed(packed_linear(context, self.linear_proj.weight)).unsqueeze(1)
        output, _ = self.linear_proj(context.unsqueeze(1))
        projected: Tensor = output
        return projected


class PolicyLayer(TransformerLayer):  # type: ignore[misc]
    """Megatron's transformer layer with the pre-norm residual flow only.

    No dropout, cross attention or biases after.
    """

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
        # programs sum gradients in the weights' own dtype, which bfloat16 is too narrow for
        if hidden.is_cuda or self.config.sequence_parallel or hidden.dtype == torch.bfloat16:
            hidden = hidden + self.self_attention(self.input_layernorm(hidden), packed)
            update, _no_bias = self.mlp(self.pre_mlp_layernorm(hidden))
            output: Tensor = hidden + update
            return output
        if packed.short is None:
            hidden = hidden + self.self_attention(self.input_layernorm(hidden), packed)
        else:
            hidden = _half(hidden, lambda rows_TH: self._attention(rows_TH, packed))
        return _half(hidden, self._feed_forward)

    def _attention(self, hidden_TH: Tensor, packed: PackedSequences) -> Tensor:
        weights = self._attention_weights
        if num_ranks() > 1:
            q_norm, k_norm = (None if norm is None else shared(norm) for norm in (weights.q_norm, weights.k_norm))
            weights = weights._replace(norm=shared(weights.norm), q_norm=q_norm, k_norm=k_norm)
        assert packed.short is not None
        return attention_half(hidden_TH, weights, packed.short, self._attention_shape)

    def _feed_forward(self, hidden_TH: Tensor) -> Tensor:
        norm, gate_up, down = self._mlp_weights
        shape = self._attention_shape
        return mlp_half(hidden_TH, shared(norm), gate_up, down, shape.eps, residual=shape.residual)

    @cached_property
    def _attention_weights(self) -> AttentionWeights:
        """The modules' parameters, gathered once: every look into a module costs a microsecond."""
        attention, has_norms = self.self_attention, self.config.qk_layernorm
        return AttentionWeights(
            norm=self.input_layernorm.weight,
            qkv=attention.linear_qkv.weight,
            qkv_bias=attention.linear_qkv.bias,
            q_norm=attention.q_layernorm.weight if has_norms else None,
            k_norm=attention.k_layernorm.weight if has_norms else None,
            out=attention.linear_proj.weight,
        )

    @cached_property
    def _attention_shape(self) -> AttentionShape:
        attention = self.self_attention
        return AttentionShape(
            groups=attention.num_query_groups_per_partition,
            head_dim=attention.hidden_size_per_attention_head,
            eps=self.config.layernorm_epsilon,
            residual=num_ranks() == 1,
        )

    @cached_property
    def _mlp_weights(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.pre_mlp_layernorm.weight, self.mlp.linear_fc1.weight, self.mlp.linear_fc2.weight


def _half(hidden: Tensor, share: Callable[[Tensor], Tensor]) -> Tensor:
    """The hidden states, [T, 1, H], with the sum of all tensor ranks' shares added; one rank alone adds its own."""
    if num_ranks() == 1:
        return share(hidden.squeeze(1)).unsqueeze(1)
    return hidden + summed(share(shared(hidden).squeeze(1))).unsqueeze(1)
