"""Keys and values of the responses of a batch, in blocks of columns.

Axes: N rows, B columns of a block, h query heads, g key/value heads, D head size. Keys lie as [..., D, columns], as the
product with queries reads them fastest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from or1_rollout.engines.transformers.layers import Shape

FIRST_COLUMNS, MOST_COLUMNS = 32, 512
"""Columns of the first block and of the largest one; each block has twice as many as the one before."""


@dataclass(slots=True, eq=False)
class Block:
    """Columns of all rows' responses."""

    first: int
    keys: Tensor
    """[layers, rows g, D, B]"""
    values: Tensor
    """[layers, rows g, B, D]"""

    @property
    def columns(self) -> int:
        """B."""
        return self.keys.shape[3]


class ResponseCache:
    """Keys and values of the responses: every row writes its next token into the same column.

    A row that enters later has columns before its first that are masked; a block that no row reads is dropped.
    """

    def __init__(self, layers: int, shape: Shape, device: torch.device, dtype: torch.dtype) -> None:
        self._layers, self._shape, self._device, self._dtype = layers, shape, device, dtype
        self.blocks: list[Block] = []
        self.column = 0
        """The column that the next token is written into."""
        self._block_columns = FIRST_COLUMNS

    @property
    def first(self) -> int:
        """The first column that is kept."""
        return self.blocks[0].first if self.blocks else self.column

    @property
    def end(self) -> int:
        """Behind the last column that there is room for."""
        return self.blocks[-1].first + self.blocks[-1].columns if self.blocks else self.column

    def extend(self, rows: int, most_columns: int) -> None:
        """Add a block where the next column has no room, for `rows` rows that will write at most so many columns."""
        dim, lines = self._shape.head_dim, rows * self._shape.kv_heads
        columns = min(self._block_columns, max(most_columns, FIRST_COLUMNS))
        keys = torch.zeros(self._layers, lines, dim, columns, device=self._device, dtype=self._dtype)
        values = torch.zeros(self._layers, lines, columns, dim, device=self._device, dtype=self._dtype)
        self.blocks.append(Block(self.column, keys, values))
        self._block_columns = min(2 * self._block_columns, MOST_COLUMNS)

    def write(self, layer: int, keys: Tensor, values: Tensor) -> None:
        """Write the keys and values [N, g, D] of the present column."""
        block, lines = self.blocks[-1], keys.shape[0] * keys.shape[1]
        block.keys[layer, :lines, :, self.column - block.first] = keys.flatten(0, 1)
        block.values[layer, :lines, self.column - block.first] = values.flatten(0, 1)

    def read(self, row: int, start: int, stop: int) -> list[tuple[Tensor, Tensor]]:
        """Views of the columns from `start` to `stop` of one row: of every block keys [layers, g, D, B'] and values."""
        lines = slice(row * self._shape.kv_heads, (row + 1) * self._shape.kv_heads)
        bounds = [(max(start - block.first, 0), max(stop - block.first, 0)) for block in self.blocks]
        return [
            (block.keys[:, lines, :, low:high], block.values[:, lines, low:high])
            for block, (low, high) in zip(self.blocks, bounds, strict=True)
        ]

    def scores(self, layer: int, queries: Tensor) -> list[Tensor]:
        """[N, h, D] queries -> of every block [N, h, B] products with its keys."""
        rows, lines = len(queries), len(queries) * self._shape.kv_heads
        grouped = queries.reshape(lines, -1, queries.shape[2])
        return [torch.bmm(grouped, block.keys[layer, :lines]).view(rows, -1, block.columns) for block in self.blocks]

    def combine(self, layer: int, probs: Sequence[Tensor]) -> Tensor:
        """Of every block [N, h, B] weights -> [N, h, D] weighted sums of all values."""
        rows, lines = len(probs[0]), len(probs[0]) * self._shape.kv_heads
        parts = [
            torch.bmm(weights.reshape(lines, -1, block.columns), block.values[layer, :lines])
            for weights, block in zip(probs, self.blocks, strict=True)
        ]
        return sum(parts[1:], start=parts[0]).view(rows, -1, self._shape.head_dim)

    def grow(self, rows: int) -> None:
        """Make room for `rows` rows in every block."""
        for block in self.blocks:
            missing = rows * self._shape.kv_heads - block.keys.shape[1]
            if missing > 0:
                behind = (0, 0, 0, 0, 0, missing)
                block.keys, block.values = F.pad(block.keys, behind), F.pad(block.values, behind)

    def move(self, rows: Sequence[int]) -> None:
        """Put the former row `rows[i]` in place i; only rows that change their place are copied."""
        groups = self._shape.kv_heads
        moved = [
            (old * groups + g, new * groups + g) for new, old in enumerate(rows) if old != new for g in range(groups)
        ]
        if not moved:
            return
        old, new = torch.tensor(moved, device=self._device).unbind(1)
        for block in self.blocks:
            for layer in range(self._layers):
                block.keys[layer, new] = block.keys[layer, old]
                block.values[layer, new] = block.values[layer, old]

    def drop_before(self, column: int) -> None:
        """Drop the blocks whose columns are all before `column`."""
        self.blocks = [block for block in self.blocks if block.first + block.columns > column]
