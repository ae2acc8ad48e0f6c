"""The sending side of our two weight transfers, and the source that all of vLLM's transfers read from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, Final

from vllm.distributed.weight_transfer.base import ParamMeta, VLLMWeightSyncClient, WeightSource

from or1_rollout.engines.vllm.segment import Segment, chunks
from or1_rollout.weight_sync import WeightStream

if TYPE_CHECKING:
    from torch import Tensor

CHUNK_BYTES = 1 << 28
"""Memory that a transfer takes beside the two models: 256 MB, or the largest tensor if that is more."""


class StreamSource(WeightSource):
    """A weight stream as vLLM's `WeightSource`; `weights` is set anew for every transfer."""

    def __init__(self, weights: WeightStream) -> None:
        """Read from `weights`."""
        self.weights = weights

    def metadata(self) -> list[ParamMeta]:
        """See `WeightSource`."""
        return [ParamMeta(name, dtype, shape) for name, dtype, shape in self.weights.metadata()]

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """One pass; every rank that shares tensors must make it."""
        return iter(self.weights)


class ChunkSender:
    """Sends the source chunk by chunk to the engine (or engines) behind `client`, as vLLM's own senders do."""

    def __init__(self, transfer: str, client: VLLMWeightSyncClient, source: StreamSource, *, is_sender: bool) -> None:
        """`transfer` is one of `UPDATES`."""
        self._updates, self._client, self.source, self._is_sender = UPDATES[transfer], client, source, is_sender
        if is_sender:
            client.init_weight_transfer_engine({})

    def send_weights(self) -> None:
        """Send the source. Ranks that do not send still run it, as its tensors may be gathered collectively."""
        if not self._is_sender:
            for _ in self.source:
                pass
            return
        self._client.start_weight_update()
        try:
            for update in self._updates(self.source):
                self._client.update_weights(update)
        finally:
            self._client.finish_weight_update()  # also after an error: vLLM begins no update while one is open

    def shutdown(self) -> None:
        """Do nothing: nothing is held between transfers."""


def _segment_updates(named: Iterable[tuple[str, Tensor]]) -> Iterator[dict[str, Any]]:
    """Write chunks into shared memory; for each, what `SharedMemoryReceiver` is told."""
    segment = Segment()
    try:
        for chunk in chunks(named, CHUNK_BYTES):
            yield {"segment": segment.name, "places": segment.write(chunk)}
    finally:
        segment.close()


def _in_process_updates(named: Iterable[tuple[str, Tensor]]) -> Iterator[dict[str, Any]]:
    """Hand the tensors themselves to `InProcessReceiver`."""
    for name, tensor in named:
        yield {"name": name, "tensor": tensor.detach()}


UPDATES: Final[dict[str, Callable[[Iterable[tuple[str, Tensor]]], Iterator[dict[str, Any]]]]] = {
    "shared_memory": _segment_updates,
    "in_process": _in_process_updates,
}
"""Our transfers -> what the client is told about each chunk of a source."""
