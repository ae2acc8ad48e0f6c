"""The weights a vLLM model really computes with, by Hugging Face name: read through its kernels, not from its file.

vLLM fuses (q, k and v in one matrix; gate and up), slices over tensor-parallel ranks, pads the vocabulary, and on CPUs
multiplies by packed copies. A packed copy is read by multiplying the identity with it: exact, since every product
but one is zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from or1_rollout.weight_sync.fingerprint import Fingerprint, Slice, fingerprint

if TYPE_CHECKING:
    from torch.nn import Module

IDENTITY_ROWS = 1024
"""Rows of the identity multiplied at a time: the memory of reading a packed matrix stays bounded."""

Piece = tuple[str, Tensor, Slice | None]
"""Hugging Face name, the values this rank holds, and where they lie in the whole tensor (None: it is the whole)."""


@torch.inference_mode()
def fingerprints(model: Module) -> dict[str, Fingerprint]:
    """This rank's share of every weight's fingerprint; shares of all tensor-parallel ranks add up to the whole."""
    return {name: fingerprint(tensor, place) for name, tensor, place in pieces(model)}


def pieces(model: Module) -> Iterator[Piece]:
    """Every weight that this rank holds and that no rank before it reports."""
    from vllm.model_executor.layers.linear import LinearBase
    from vllm.model_executor.layers.vocab_parallel_embedding import VocabParallelEmbedding

    packed: dict[str, list[str]] = getattr(model, "packed_modules_mapping", {})
    for path, module in model.named_modules():
        if isinstance(module, LinearBase):
            yield from _linear(path, module, packed)
        elif isinstance(module, VocabParallelEmbedding):
            yield from _vocabulary(path, module)
        else:
            yield from _plain(path, module)


def _linear(path: str, layer: Any, packed: dict[str, list[str]]) -> Iterator[Piece]:
    from vllm.model_executor.layers.linear import ReplicatedLinear

    if layer.tp_size > 1 and isinstance(layer, ReplicatedLinear) and layer.tp_rank:
        return
    parent, _, leaf = path.rpartition(".")
    names = [f"{parent}.{name}" for name in packed.get(leaf, [leaf])]
    weight = _matrix(layer)
    sizes = _sizes(layer, weight.shape[0], len(names))
    replicas = getattr(layer, "num_kv_head_replicas", 1)
    biases = layer.bias.split(sizes) if layer.bias is not None else [None] * len(names)
    for index, (name, rows, bias) in enumerate(zip(names, weight.split(sizes), biases, strict=True)):
        copies = replicas if index > 0 and replicas > 1 else 1  # k and v may be held by several ranks
        if layer.tp_rank % copies:
            continue
        place = _place(layer, rows, layer.tp_rank // copies)
        yield f"{name}.weight", rows, place
        if bias is not None and (place is None or place.column == 0):
            yield f"{name}.bias", bias, None if place is None or not place.row else Slice(0, place.row, bias.numel())


def _sizes(layer: Any, rows: int, parts: int) -> list[int]:
    if parts == 1:
        return [rows]
    return [size // layer.tp_size for size in layer.output_sizes]


def _place(layer: Any, rows: Tensor, rank: int) -> Slice | None:
    """Row-parallel layers hold columns of the whole, column-parallel ones hold rows."""
    from vllm.model_executor.layers.linear import ReplicatedLinear, RowParallelLinear

    if layer.tp_size == 1 or isinstance(layer, ReplicatedLinear):
        return None
    if isinstance(layer, RowParallelLinear):
        return Slice(0, rank * rows.shape[1], layer.input_size)
    return Slice(rank * rows.shape[0], 0, rows.shape[1])


def _vocabulary(path: str, layer: Any) -> Iterator[Piece]:
    """Embedding or output head, without the rows that pad the vocabulary."""
    shard = layer.shard_indices
    weight = _matrix(layer)[: shard.num_org_elements]
    yield f"{path}.weight", weight, Slice(shard.org_vocab_start_index, 0, weight.shape[1])


def _plain(path: str, module: Module) -> Iterator[Piece]:
    """Norms and the like: the same on every rank, so the first reports them."""
    from vllm.distributed import get_tensor_model_parallel_rank

    for name, parameter in module.named_parameters(recurse=False):
        if get_tensor_model_parallel_rank() == 0:
            yield f"{path}.{name}" if path else name, parameter, None


def _matrix(layer: Any) -> Tensor:
    """The matrix [out, in] that the layer multiplies by.

    An embedding that is also looked up has both a parameter and a packed copy: what counts for it is what the output
    head multiplies by, and the lookup's own values are reported under the embedding's name.
    """
    from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead, VocabParallelEmbedding

    kernel = getattr(layer, "cpu_linear", None)
    is_lookup = isinstance(layer, VocabParallelEmbedding) and not isinstance(layer, ParallelLMHead)
    parameter: Tensor = layer.weight
    if kernel is None or is_lookup:
        return parameter
    width = layer.embedding_dim if isinstance(layer, ParallelLMHead) else layer.input_size_per_partition
    blocks = []
    for start in range(0, width, IDENTITY_ROWS):
        identity = torch.zeros(min(IDENTITY_ROWS, width - start), width, dtype=parameter.dtype)
        identity[:, start:].fill_diagonal_(1)
        blocks.append(kernel(identity, parameter, None))
    return torch.cat(blocks).t()
