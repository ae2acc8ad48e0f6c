"""Fingerprints, inside vLLM's worker, of the weights it really computes with: read through kernels, not from a file.

vLLM fuses (q, k and v in one matrix; gate and up), slices over tensor-parallel ranks, pads the vocabulary, and on CPUs
multiplies by packed copies. A packed copy is read by multiplying the identity with it: exact, since every product
but one is zero.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor
from vllm.distributed import get_tensor_model_parallel_rank, get_tp_group
from vllm.model_executor.layers.linear import LinearBase, ReplicatedLinear, RowParallelLinear
from vllm.model_executor.layers.vocab_parallel_embedding import ParallelLMHead, VocabParallelEmbedding

from or1_rollout.weight_sync.fingerprint import Slice, fingerprint

if TYPE_CHECKING:
    from torch.nn import Module

IDENTITY_ROWS = 1024
"""Rows of the identity multiplied at a time: the memory of reading a packed matrix stays bounded."""

Piece = tuple[str, Tensor, Slice | None]
"""Hugging Face name, the values this rank holds, and where they lie in the whole tensor (None: it is the whole)."""


class FingerprintWorker:
    """Mixed into vLLM's worker (`worker_extension_cls`); its method is called by name through `collective_rpc`."""

    def or1_fingerprints(self) -> dict[str, list[int]]:
        """Fingerprints of all weights as this engine computes with them, by Hugging Face name; equal on all ranks.

        Tensor-parallel ranks hold slices: their sums are added up, modulo 2^64.
        """
        with torch.inference_mode():
            weights = _pieces(self.get_model())  # type: ignore[attr-defined]
            own = {name: fingerprint(tensor, place) for name, tensor, place in weights}
        parts: list[Any] = [own]
        group = get_tp_group()
        if group.world_size > 1:
            parts = [None] * group.world_size
            dist.all_gather_object(parts, own, group=group.cpu_group)
        shares_of = {name: [part[name] for part in parts if name in part] for name in set().union(*parts)}
        return {name: [sum(sums) % 2**64 for sums in zip(*shares, strict=True)] for name, shares in shares_of.items()}


def _pieces(model: Module) -> Iterator[Piece]:
    """Every weight that this rank holds and that no rank before it reports."""
    packed: dict[str, list[str]] = getattr(model, "packed_modules_mapping", {})
    for path, module in model.named_modules():
        if isinstance(module, LinearBase):
            yield from _linear(path, module, packed)
        elif isinstance(module, VocabParallelEmbedding):
            yield from _vocabulary(path, module)
        else:
            yield from _plain(path, module)


def _linear(path: str, layer: Any, packed: dict[str, list[str]]) -> Iterator[Piece]:
    if layer.tp_size > 1 and isinstance(layer, ReplicatedLinear) and layer.tp_rank:
        return
    parent, _, leaf = path.rpartition(".")
    names = [f"{parent}.{name}" for name in packed.get(leaf, [leaf])]
    weight = _matrix(layer)
    sizes = [size // layer.tp_size for size in layer.output_sizes] if len(names) > 1 else [weight.shape[0]]
    replicas = getattr(layer, "num_kv_head_replicas", 1)
    biases = layer.bias.split(sizes) if layer.bias is not None else [None] * len(names)
    for index, (name, rows, bias) in enumerate(zip(names, weight.split(sizes), biases, strict=True)):
        copies = replicas if index > 0 else 1  # k and v may be held by several ranks
        if layer.tp_rank % copies:
            continue
        place = _place(layer, rows, layer.tp_rank // copies)
        yield f"{name}.weight", rows, place
        if bias is not None and (place is None or place.column == 0):
            yield f"{name}.bias", bias, None if place is None or not place.row else Slice(0, place.row, bias.numel())


def _place(layer: Any, rows: Tensor, rank: int) -> Slice | None:
    """Row-parallel layers hold columns of the whole, column-parallel ones hold rows."""
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
    for name, parameter in module.named_parameters(recurse=False):
        if get_tensor_model_parallel_rank() == 0:
            yield f"{path}.{name}" if path else name, parameter, None


def _matrix(layer: Any) -> Tensor:
    """The matrix [out, in] that the layer multiplies by.

    An embedding that is also looked up has both a parameter and a packed copy: what counts for it is what the output
    head multiplies by, and the lookup's own values are reported under the embedding's name.
    """
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
