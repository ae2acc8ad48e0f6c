"""One batch that is being decoded with fused weights: its keys and values, and what comes next.

Axes: N rows, T tokens of a block, L columns of the cache, g key/value heads, P pairs of a head, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor

from or1_rollout.compiled import call
from or1_rollout.engines.transformers.compiled import block as compiled_block
from or1_rollout.engines.transformers.compiled.weights import CompiledCache, CompiledWeights
from or1_rollout.engines.transformers.steps import Cache, LayerWeights, ModelWeights, Shape, decode_block


class Batch:
    """The rows that are still being decoded, over preallocated keys and values (`steps.Cache`).

    Rows that stay are moved to the front: the lines behind them are no longer read.
    """

    def __init__(self, used: int, pads_N: Tensor, logits_NV: Tensor, keys: Tensor, values: Tensor) -> None:
        """`used` columns hold a prompt, the first `pads_N` of them padding; `logits_NV` are of what follows."""
        self.used, self.pads_N, self.logits_NV, self.keys, self.values = used, pads_N, logits_NV, keys, values
        self.groups = keys.shape[1] // len(pads_N)

    @property
    def capacity(self) -> int:
        """Columns that there is room for."""
        return self.keys.shape[3]

    @property
    def lines(self) -> int:
        """Of keys and values, N * g."""
        return len(self.pads_N) * self.groups

    @cached_property
    def padding_bias(self) -> Tensor | None:
        """[N * g, 1, L]: -inf at padding; None where there is none."""
        if not bool(self.pads_N.any()):
            return None
        columns = torch.arange(self.capacity, device=self.pads_N.device)
        bias_NL = self.keys.new_zeros((len(self.pads_N), self.capacity))
        bias_NL.masked_fill_(columns[None] < self.pads_N[:, None], float("-inf"))
        return bias_NL.repeat_interleave(self.groups, 0)[:, None]

    def keep(self, rows: Tensor) -> None:
        """Let all other rows leave; only the columns in use are moved."""
        lines = (rows[:, None] * self.groups + torch.arange(self.groups, device=rows.device)).flatten()
        for keys, values in zip(self.keys[..., : self.used], self.values[:, :, : self.used], strict=True):
            keys[: len(lines)] = keys.index_select(0, lines)
            values[: len(lines)] = values.index_select(0, lines)
        self.pads_N, self.logits_NV = self.pads_N[rows], self.logits_NV[rows]
        self.__dict__.pop("padding_bias", None)  # it was of the rows before


BlockDecoder = Callable[[Batch, Tensor, Tensor, Shape], tuple[Tensor, Tensor]]
"""Draws T tokens for every row and appends them, given uniform numbers [N, T] and rotations [N, up to T, P]."""


class FusedDecoding:
    """`Decoding` of a `Batch`."""

    def __init__(self, batch: Batch, rotation_LP: Tensor, shape: Shape, decode: BlockDecoder) -> None:
        """`rotation_LP` holds every position's (`rotary.rotation_table`)."""
        self._batch, self._rotation_LP, self._shape, self._decode = batch, rotation_LP, shape, decode

    def draw(self, uniform_NT: Tensor) -> tuple[Tensor, Tensor]:
        """See `Decoding.draw`."""
        batch = self._batch
        uniform_NT = uniform_NT[:, : batch.capacity - batch.used]
        block = min(uniform_NT.shape[1], batch.capacity - batch.used - 1)  # nothing follows the very last token
        places = torch.arange(batch.used, batch.used + block, device=batch.pads_N.device)
        rotation_NTP = self._rotation_LP[places[None] - batch.pads_N[:, None]]
        drawn = self._decode(batch, uniform_NT, rotation_NTP, self._shape)
        batch.used += block
        return drawn

    def keep(self, rows: Tensor) -> None:
        """See `Decoding.keep`."""
        self._batch.keep(rows)


def with_torch(model: ModelWeights, layers: list[LayerWeights]) -> BlockDecoder:
    """On any device, in any dtype, with every kind of sampling."""

    def decode(batch: Batch, uniform_NT: Tensor, rotation_NTP: Tensor, shape: Shape) -> tuple[Tensor, Tensor]:
        cache = Cache(batch.keys[:, : batch.lines], batch.values[:, : batch.lines], batch.padding_bias)
        tokens_NT, logprobs_NT, batch.logits_NV = decode_block(
            model, layers, cache, batch.used, batch.logits_NV, uniform_NT, rotation_NTP[:, :, None, None], shape
        )
        return tokens_NT, logprobs_NT

    return decode


def with_compiled(weights: CompiledWeights) -> BlockDecoder:
    """On a CPU, in float32, from the whole distribution (`compiled.block`)."""

    def decode(batch: Batch, uniform_NT: Tensor, rotation_NTP: Tensor, shape: Shape) -> tuple[Tensor, Tensor]:
        cache = CompiledCache(batch.keys.numpy(), batch.values.numpy(), batch.pads_N.numpy())
        arrays = batch.logits_NV.numpy(), uniform_NT.numpy(), rotation_NTP.numpy()
        tokens_NT, logprobs_NT = call(compiled_block.decode_block, weights, cache, batch.used, *arrays, shape)
        return torch.from_numpy(tokens_NT), torch.from_numpy(logprobs_NT)

    return decode
