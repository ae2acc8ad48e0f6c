"""Memory of the pretended GPU: every storage from its allocation until nothing refers to it, by what holds it."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
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


class Memory:
    """Live storages, and the peak of each span (`here`)."""

    def __init__(self) -> None:
        """Nothing is allocated."""
        self.here: Span = "", ""
        self.peaks: dict[Span, Peak] = {}
        self.held: Counter[str] = Counter()
        self.total = 0
        self._live: dict[int, tuple[int, str, weakref.ref[object]]] = {}
        self._hidden = 0

    def allocate(self, tensor: Tensor, holder: str) -> bool:
        """Note a tensor's storage; False if it was known already."""
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key in self._live:
            return False
        size = -(-storage.nbytes() // ROUND) * ROUND
        self._live[key] = size, holder, weakref.ref(storage, lambda _: self._free(key))
        self._add(size, holder)
        self.look()
        return True

    def resize(self, storage: UntypedStorage, nbytes: int) -> None:
        """Note that a storage gives its memory back, or takes some again."""
        key = storage._cdata
        if key in self._live:
            before, holder, reference = self._live[key]
            self._live[key] = -(-nbytes // ROUND) * ROUND, holder, reference
            self._add(self._live[key][0] - before, holder)
            self.look()

    def look(self) -> None:
        """Compare the sum with the peak of the present span."""
        if self._hidden:
            return
        peak = self.peaks.setdefault(self.here, Peak())
        if self.total > peak.total:
            self.peaks[self.here] = Peak(self.total, {name: size for name, size in self.held.items() if size})

    @contextmanager
    def hide(self) -> Iterator[None]:
        """Ignore what lives only inside: temporaries of functions that are one kernel on a GPU."""
        self._hidden += 1
        try:
            yield
        finally:
            self._hidden -= 1
        self.look()

    def rename(self, tensors: Iterable[Tensor], holder: str) -> None:
        """Say what these tensors' storages are."""
        for tensor in tensors:
            key = tensor.untyped_storage()._cdata
            if key in self._live:
                size, before, reference = self._live[key]
                self._add(-size, before)
                self._live[key] = size, holder, reference
                self._add(size, holder)

    def rename_rest(self, named: set[str], holder: str) -> None:
        """Say what all storages are that have none of these names."""
        for key, (size, before, reference) in list(self._live.items()):
            if before not in named:
                self._add(-size, before)
                self._live[key] = size, holder, reference
                self._add(size, holder)

    def _add(self, size: int, holder: str) -> None:
        self.held[holder] += size
        self.total += size

    def _free(self, key: int) -> None:
        size, holder, _ = self._live.pop(key)
        self._add(-size, holder)
