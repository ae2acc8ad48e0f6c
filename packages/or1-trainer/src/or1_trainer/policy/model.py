"""A Megatron `GPTModel` built from a Hugging Face config: Qwen2, Qwen3 and Llama."""

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
from megatron.core.tensor_parallel.mappings import gather_from_sequence_parallel_region
from torch import Tensor

from or1_trainer.algorithm.packing import PackedBatch
from or1_trainer.policy import rope
from or1_trainer.policy.attention_layout import PackedSequences, packed_sequences
from or1_trainer.policy.parallel import Runtime
from or1_trainer.policy.spec import block_spec, check_layout, check_supported, transformer_config


class HiddenGPTModel(GPTModel):  # type: ignore[misc]
    """Megatron's `GPTModel` that stops at the final norm; `token_stats` fuses what follows."""

    def _postprocess(self, hidden_states: Tensor, **_: object) -> Tensor:
        return hidden_states


class Policy:
    """The language model being trained, as one rank sees it.

    `model` is Megatron's module; `forward_model` is the same, or its wrapper for data-parallel reduction where the
    optimizer is Megatron's.
    """

    def __init__(self, model: HiddenGPTModel, hf_config: Any, runtime: Runtime) -> None:
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
    def vocab_slice(self) -> tuple[int, int]:
        """First and one-past-last token id that this rank's rows stand for, padding rows not counted."""
        rows, vocab_size = self.output_weight.shape[0], self.hf_config.vocab_size
        start = min(self.runtime.tensor_rank * rows, vocab_size)
        return start, min(start + rows, vocab_size)

    def response_hidden(self, batch: PackedBatch) -> Tensor:
        """Return the final hidden states that predict the response tokens, [M, H]; the same on every tensor rank."""
        return self.hidden(batch).index_select(0, batch.source_M)

    def hidden(self, batch: PackedBatch) -> Tensor:
        """Return the hidden states of all packed tokens after the final norm, [T, H]; the same on every tensor rank."""
        tokens = batch.token_ids_T.numel()
        padding = -tokens % self.runtime.tensor_size if self.model.config.sequence_parallel else 0
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

    def _packed(self, batch: PackedBatch, padding: int) -> PackedSequences:
        """Lay out attention; the variable-length kernels exist on CUDA only, and for half precision only."""
        positions_T = F.pad(batch.positions_T, (0, padding))
        turn = rope.rotation(positions_T, self._inv_freq, self._rope_factor, self.dtype)
        has_kernels = self.runtime.device.type == "cuda" and self.dtype == torch.bfloat16
        heads = None if has_kernels else self.model.config.num_attention_heads // self.runtime.tensor_size
        return packed_sequences(batch, padding, turn, heads=heads)


def build_policy(
    hf_config: Any,
    runtime: Runtime,
    *,
    dtype: torch.dtype = torch.float32,
    recompute: bool = False,
    sequence_parallel: bool = False,
) -> Policy:
    """Build the model of a `transformers` config on this rank, with weights that are NaN until they are loaded.

    `dtype` is that of weights and activations; float32, bfloat16 or float64. `recompute` keeps only the layers' inputs
    and runs each layer again in the backward pass. `sequence_parallel` cuts the tokens over tensor ranks between
    attention and feed-forward. The vocabulary is padded to a multiple of the tensor-parallel size; padded rows stay
    zero and are not projected on.

    Raises:
        LayoutError: see `check_supported` and `check_layout`.
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

    Megatron does so only where it initializes them itself.
    """
    for module in model.modules():
        if isinstance(module, (ColumnParallelLinear, VocabParallelEmbedding)) and module.weight is not None:
            set_tensor_model_parallel_attributes(module.weight, True, 0, 1)
        elif isinstance(module, RowParallelLinear):
            set_tensor_model_parallel_attributes(module.weight, True, 1, 1)
