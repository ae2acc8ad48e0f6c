"""Keys and values of prompts, once for all rows that continue one.

Axes: N rows, P prompts, G most rows of one prompt, L columns of the prompts, h query heads, g key/value heads, R =
h / g, D head size. Keys lie as [..., D, columns], as the product with queries reads them fastest.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from or1_rollout.engines.transformers.layers import Shape


class PromptCache:
    """Keys and values of P prompts, padded on the right to the longest."""

    def __init__(self, layers: int, shape: Shape, device: torch.device, dtype: torch.dtype) -> None:
        self._shape = shape
        self.lengths: list[int] = []
        self.keys = torch.zeros(layers, 0, shape.head_dim, 0, device=device, dtype=dtype)
        self.values = torch.zeros(layers, 0, 0, shape.head_dim, device=device, dtype=dtype)
        self._row_of_place = self._place_of_row = torch.zeros(0, dtype=torch.int64, device=device)
        self._is_in_order = True

    @property
    def columns(self) -> int:
        """L."""
        return self.keys.shape[3]

    def add(self, lengths: Sequence[int]) -> None:
        """Make room for more prompts, whose keys and values are then written by `write`."""
        self._resize(list(range(len(self.lengths))), len(lengths), max(self.columns, *lengths))
        self.lengths += lengths

    def write_prefix(self, place: int, keys: Tensor, values: Tensor) -> None:
        """Write keys [layers, g, D, L'] and values [layers, g, L', D] of the first tokens of one prompt."""
        lines, length = self._lines(place), keys.shape[3]
        self.keys[:, lines, :, :length], self.values[:, lines, :length] = keys, values

    def write(self, layer: int, place_n: Tensor, column_n: Tensor, keys: Tensor, values: Tensor) -> None:
        """Write keys and values [n, g, D] of single tokens, each into its prompt's place and a column there."""
        groups = (-1, self._shape.kv_heads)
        self.keys[layer].unflatten(0, groups)[place_n, :, :, column_n] = keys
        self.values[layer].unflatten(0, groups)[place_n, :, column_n] = values

    def read(self, layer: int, place_P: Tensor, columns: int) -> tuple[Tensor, Tensor]:
        """The first columns of some prompts: keys and values, [P, columns, g, D] both."""
        groups = (-1, self._shape.kv_heads)
        keys = self.keys[layer].unflatten(0, groups)[place_P, :, :, :columns]
        return keys.permute(0, 3, 1, 2), self.values[layer].unflatten(0, groups)[place_P, :, :columns].transpose(1, 2)

    def read_prefix(self, place: int) -> tuple[Tensor, Tensor]:
        """Views of the keys [layers, g, D, L'] and values [layers, g, L', D] of one prompt."""
        lines, length = self._lines(place), self.lengths[place]
        return self.keys[:, lines, :, :length], self.values[:, lines, :length]

    def keep(self, prompts: Sequence[int]) -> None:
        """Drop all other prompts; prompt i is then the former `prompts[i]`."""
        self.lengths = [self.lengths[prompt] for prompt in prompts]
        self._resize(list(prompts), 0, max(self.lengths, default=0))

    def assign(self, prompt_of_row: Sequence[int]) -> None:
        """Say which prompt each row continues, in the order of the rows."""
        most = max(Counter(prompt_of_row).values())
        free = [prompt * most for prompt in range(len(self.lengths))]
        row_of_place = [0] * (len(free) * most)  # what fills a group up is computed for nobody
        place_of_row: list[int] = []
        for row, prompt in enumerate(prompt_of_row):
            place_of_row.append(free[prompt])
            row_of_place[free[prompt]] = row
            free[prompt] += 1
        self._row_of_place = torch.tensor(row_of_place, device=self.keys.device)
        self._place_of_row = torch.tensor(place_of_row, device=self.keys.device)
        self._is_in_order = place_of_row == list(range(len(row_of_place)))

    def scores(self, layer: int, queries: Tensor) -> Tensor:
        """[N, h, D] queries -> [N, h, L] products with the keys of each row's prompt."""
        return self._by_row(torch.bmm(self._by_prompt(queries), self.keys[layer]))

    def combine(self, layer: int, probs: Tensor) -> Tensor:
        """[N, h, L] weights -> [N, h, D] weighted sums of the values of each row's prompt."""
        return self._by_row(torch.bmm(self._by_prompt(probs), self.values[layer]))

    def _lines(self, place: int) -> slice:
        return slice(place * self._shape.kv_heads, (place + 1) * self._shape.kv_heads)

    def _by_prompt(self, rows: Tensor) -> Tensor:
        """[N, h, X] -> [P g, G R, X]."""
        placed = rows if self._is_in_order else rows.index_select(0, self._row_of_place)
        prompts, groups = len(self.lengths), self._shape.kv_heads
        grouped = placed.reshape(prompts, -1, groups, self._shape.heads // groups, rows.shape[2])
        return grouped.transpose(1, 2).reshape(prompts * groups, -1, rows.shape[2])

    def _by_row(self, grouped: Tensor) -> Tensor:
        """[P g, G R, X] -> [N, h, X]."""
        prompts, groups, width = len(self.lengths), self._shape.kv_heads, grouped.shape[2]
        placed = grouped.view(prompts, groups, -1, self._shape.heads // groups, width).transpose(1, 2)
        rows = placed.reshape(-1, self._shape.heads, width)
        return rows if self._is_in_order else rows.index_select(0, self._place_of_row)

    def _resize(self, kept: list[int], more: int, columns: int) -> None:
        groups, shared = self._shape.kv_heads, min(columns, self.columns)
        lines = [prompt * groups + group for prompt in kept for group in range(groups)]
        places = torch.tensor(lines, dtype=torch.int64, device=self.keys.device)
        layers, _, dim, _ = self.keys.shape
        keys = self.keys.new_zeros(layers, (len(kept) + more) * groups, dim, columns)
        values = self.values.new_zeros(layers, (len(kept) + more) * groups, columns, dim)
        for layer in range(layers if kept else 0):
            keys[layer, : len(places), :, :shared] = self.keys[layer, places, :, :shared]
            values[layer, : len(places), :shared] = self.values[layer, places, :shared]
        self.keys, self.values = keys, values
