"""Memory of the pretended GPU: every storage from its allocation until nothing refers to it, by what holds it."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from torch import Tensor, UntypedStorage

ROUND = 512
"""Bytes that torch's CUDA allocator rounds blocks up to."""

Span: TypeAlias = tuple[str, int | str]
"""Phase, and place in it: a layer, before or after the layers, or the name of an operation."""


@dataclass(slots=True)
class Peak:
    """The largest sum of a span, and what held it."""

    total: int = 0
    by_holder: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Block:
    """A live storage."""

    size: int
    holder: str
    reference: weakref.ref[object]


@dataclass(slots=True)
class Memory:
    """Live storages, and the peak of each span (`here`)."""

    here: Span = "", ""
    peaks: dict[Span, Peak] = field(default_factory=dict)
    held: Counter[str] = field(default_factory=Counter)
    total: int = 0
    hidden: int = 0
    """Above 0: peaks ignore what is live, the temporaries of functions that are one kernel on a GPU."""
    _live: dict[int, Block] = field(default_factory=dict)

    def allocate(self, tensor: Tensor, holder: str) -> bool:
        """Note a tensor's storage; False if it was known already."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._live:
            return False
        self._live[key] = Block(0, holder, weakref.ref(storage, lambda _: self._free(key)))
        self.resize(storage, storage.nbytes())
        return True

    def resize(self, storage: UntypedStorage, nbytes: int) -> None:
        """Note that a storage gives its memory back, or takes some again."""
        block = self._live.get(storage._cdata)
        if block is not None:
            size = -(-nbytes // ROUND) * ROUND
            self._add(size - block.size, block.holder)
            block.size = size
            self.look()

    def look(self) -> None:
        """Compare the sum with the peak of the present span."""
        if not self.hidden and self.total > self.peaks.setdefault(self.here, Peak()).total:
            self.peaks[self.here] = Peak(self.total, {name: size for name, size in self.held.items() if size})

    def rename(self, tensors: Iterable[Tensor] | None, holder: str) -> None:
        """Say what these tensors' storages are; None: all storages."""
        keys = list(self._live) if tensors is None else [tensor.untyped_storage()._cdata for tensor in tensors]
        for block in (self._live[key] for key in keys if key in self._live):
            self._add(-block.size, block.holder)
            block.holder = holder
            self._add(block.size, holder)

    def _add(self, size: int, holder: str) -> None:
        self.held[holder] += size
        self.total += size

    def _free(self, key: int) -> None:
        block = self._live.pop(key)
        self._add(-block.size, block.holder)
