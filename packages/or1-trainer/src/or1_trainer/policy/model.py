"""A Megatron `GPTModel` built from a Hugging Face config: Qwen2, Qwen3 and Llama."""

from functools import cached_property
from typing import Any

import torch
import torch.nn.functional as F
from megatron.core.models.gpt import GPTModel
from megatron.core.tensor_parallel.layers import (
    ColumnParallelLinear,
    RowParallelLinear,
    VocabParallelEmbedding,
    set_tensor_model_parallel_attributes,
)
from megatron.core.tensor_parallel.mappings import (
    gather_from_sequence_parallel_region,
    gather_from_tensor_model_parallel_region,
)
from torch import Tensor

from or1_rollout.products import TOKENS
from or1_trainer.policy import rope
from or1_trainer.policy.batch import PackedBatch, PackedSequences
from or1_trainer.policy.buckets import bucket_sequences
from or1_trainer.policy.errors import LayoutError
from or1_trainer.policy.parallel import Runtime
from or1_trainer.policy.prefix_buckets import SHORT_TOKENS, ShortPlan, prefix_buckets, short_turns
from or1_trainer.policy.spec import block_spec, transformer_config
from or1_trainer.policy.supported import check_layout, check_supported


class HiddenGPTModel(GPTModel):  # type: ignore[misc]
    """Megatron's `GPTModel` that stops at the final norm; `token_stats` fuses what follows."""

    def _postprocess(self, hidden_states: Tensor, **_: object) -> Tensor:
        return hidden_states


class Policy:
    """The language model being trained, as one rank sees it.

    `model` is Megatron's module (on CUDA, after `build_optimizer`, wrapped for data-parallel reduction in
    `forward_model`).
    """

    def __init__(self, model: HiddenGPTModel, hf_config: Any, runtime: Runtime) -> None:
        """Keep the model and precompute its rotary frequencies."""
        self.model = model
        self.forward_model: torch.nn.Module = model
        self.hf_config = hf_config
        self.runtime = runtime
        inv_freq, self._rope_factor = rope.inverse_frequencies(hf_config)
        self._inv_freq = inv_freq.to(runtime.device)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        return self.output_weight.dtype

    @property
    def tied(self) -> bool:
        """Whether the output projection is the embedding."""
        return bool(self.model.share_embeddings_and_output_weights)

    @property
    def output_weight(self) -> Tensor:
        """This rank's rows of the output projection, [padded V / tensor_size, H]."""
        weight: Tensor = self.model.shared_embedding_or_output_weight() if self.tied else self.model.output_layer.weight
        return weight

    @property
    def _multiple(self) -> int:
        """What the number of packed tokens is padded to a multiple of."""
        if self.model.config.sequence_parallel:
            return self.runtime.tensor_size
        return TOKENS if self.runtime.device.type == "cpu" and self.dtype == torch.float32 else 1

    @property
    def vocab_slice(self) -> tuple[int, int]:
        """First and one-past-last token id that this rank's rows stand for, padding rows not counted."""
        rows, vocab_size = self.output_weight.shape[0], self.hf_config.vocab_size
        start = min(self.runtime.tensor_rank * rows, vocab_size)
        return start, min(start + rows, vocab_size)

    def hidden(self, batch: PackedBatch) -> Tensor:
        """Return the hidden states after the final norm, [T, H]; the same on every tensor-parallel rank."""
        tokens = batch.token_ids_T.numel()
        padding = -tokens % self._multiple
        hidden: Tensor = self.forward_model(
            input_ids=F.pad(batch.token_ids_T, (0, padding))[None],
            position_ids=None,
            attention_mask=None,
            packed_seq_params=self._packed(batch, padding),
        )
        if self.model.config.sequence_parallel:
            hidden = gather_from_sequence_parallel_region(
                hidden, tensor_parallel_output_grad=False, group=self.runtime.tensor_group
            )
        return hidden.squeeze(1)[:tokens]

    def logits(self, batch: PackedBatch) -> Tensor:
        """Return all logits, [T, V], gathered over tensor ranks.

        For tests and probes: training never builds this tensor.
        """
        shard_TV = self.hidden(batch) @ self.output_weight.t()
        whole: Tensor = gather_from_tensor_model_parallel_region(shard_TV, group=self.runtime.tensor_group)
        return whole[:, : self.hf_config.vocab_size]

    def _packed(self, batch: PackedBatch, padding: int) -> PackedSequences:
        """Describe the packing; `padding` tokens behind it form a sequence of their own, or are left out."""
        bounds, positions_T = batch.cu_seqlens_K1, F.pad(batch.positions_T, (0, padding))
        is_cpu = self.runtime.device.type == "cpu"
        is_short = is_cpu and batch.max_seqlen <= SHORT_TOKENS
        if padding and not is_short:
            bounds = torch.cat((bounds, bounds[-1:] + padding))
        packed = PackedSequences(
            qkv_format="thd",
            cu_seqlens_q=bounds,
            cu_seqlens_kv=bounds,
            max_seqlen_q=batch.max_seqlen,
            max_seqlen_kv=batch.max_seqlen,
        )
        if is_short:
            wide = torch.float32 if self.dtype == torch.bfloat16 else self.dtype  # see `attention`
            buckets = prefix_buckets(bounds, batch.prefix_K, wide)
            turns = (turn.index_select(0, positions_T) for turn in self._short_turns)
            packed.short = ShortPlan(buckets, batch.token_ids_T.numel(), *turns)
            return packed
        if batch.prefix_K is not None:
            raise LayoutError(f"shared prompts need the CPU and at most {SHORT_TOKENS} tokens; pack whole sequences")
        packed.rotation_T = rope.rotation(positions_T, self._inv_freq, self._rope_factor, self.dtype)
        if is_cpu or self.dtype != torch.bfloat16:  # see `attention`
            packed.buckets, packed.slot_T = bucket_sequences(bounds)
        return packed

    @cached_property
    def _short_turns(self) -> tuple[Tensor, Tensor]:
        """See `short_turns`; of all positions that short sequences have."""
        config, places = self.model.config, torch.arange(SHORT_TOKENS)
        groups = int(config.num_query_groups)
        rotation_L = rope.rotation(places, self._inv_freq, self._rope_factor, self.dtype)
        return short_turns(rotation_L, groups // self.runtime.tensor_size, int(config.num_attention_heads) // groups)


def build_policy(
    hf_config: Any,
    runtime: Runtime,
    *,
    dtype: torch.dtype = torch.float32,
    recompute: bool = False,
    sequence_parallel: bool = False,
) -> Policy:
    """Build the model of a Hugging Face config on this rank, with weights that are NaN until they are loaded.

    The vocabulary is padded to a multiple of the tensor-parallel size; padded rows stay zero and are never projected
    on.

    Args:
        hf_config: a `transformers` config of one of `FAMILIES`.
        runtime: this rank's place in the job.
        dtype: of weights and activations; float32, bfloat16, or (on the CPU) float64.
        recompute: keep only the layers' inputs and run each layer again in the backward pass.
        sequence_parallel: between attention and feed-forward, cut the tokens over tensor ranks.

    Raises:
        LayoutError: the family is not Qwen2, Qwen3 or Llama, the config uses a feature they do not share (sliding
        window, MLP or output biases), or the tensor-parallel size does
            not divide heads, key/value heads or the feed-forward width.
    """
    check_supported(hf_config)
    check_layout(hf_config, runtime.tensor_size)
    config = transformer_config(
        hf_config, runtime, dtype, sequence_parallel=sequence_parallel and runtime.tensor_size > 1
    )
    vocab_size = -(-hf_config.vocab_size // runtime.tensor_size) * runtime.tensor_size
    model = HiddenGPTModel(
        config=config,
        transformer_layer_spec=block_spec(config),
        vocab_size=vocab_size,
        max_sequence_length=hf_config.max_position_embeddings,
        position_embedding_type="none",
        share_embeddings_and_output_weights=bool(hf_config.tie_word_embeddings),
    )
    model.to(runtime.device)
    _mark_cuts(model)
    for layer in model.decoder.layers:
        layer.recompute = recompute
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(float("nan"))
    return Policy(model, hf_config, runtime)


def _mark_cuts(model: torch.nn.Module) -> None:
    """Mark weights as cut over tensor ranks, for gradient norms.

    Megatron does so only where it initialises them itself.
    """
    for module in model.modules():
        if isinstance(module, (ColumnParallelLinear, VocabParallelEmbedding)) and module.weight is not None:
            set_tensor_model_parallel_attributes(module.weight, True, 0, 1)
        elif isinstance(module, RowParallelLinear):
            set_tensor_model_parallel_attributes(module.weight, True, 1, 1)
