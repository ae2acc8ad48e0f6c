"""The sending side of the weight transfer for CPUs, and the source that all of vLLM's transfers read from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, ClassVar, Self

from vllm.distributed.weight_transfer.base import (
    ParamMeta,
    TrainerInitInfo,
    TrainerWeightTransferEngine,
    VLLMWeightSyncClient,
    WeightSource,
)

from or1_rollout.engines.vllm.plugin import BACKEND
from or1_rollout.engines.vllm.segment import Segment, chunks
from or1_rollout.weight_sync import TensorStream, WeightStream

if TYPE_CHECKING:
    from torch import Tensor

CHUNK_BYTES = 1 << 28
"""Memory that a transfer takes beside the two models: 256 MB, or the largest tensor if that is more."""


class StreamSource(WeightSource):
    """The weight stream of the next transfer, as vLLM's `WeightSource`."""

    def __init__(self) -> None:
        """Empty until `feed`."""
        self._weights: WeightStream = TensorStream({})

    def feed(self, weights: WeightStream) -> None:
        """Set the stream of the next pass."""
        self._weights = weights

    def metadata(self) -> list[ParamMeta]:
        """See `WeightSource`."""
        return [ParamMeta(name, dtype, shape) for name, dtype, shape in self._weights.metadata()]

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """One pass; every rank that shares tensors must make it."""
        return iter(self._weights)


@dataclass
class SegmentTrainerInit(TrainerInitInfo):
    """Settings of the sender."""

    backend: ClassVar[str] = BACKEND
    chunk_bytes: int = CHUNK_BYTES


class SharedMemorySender(TrainerWeightTransferEngine[SegmentTrainerInit]):
    """Writes the stream into shared memory chunk by chunk and tells the engine (or engines) behind `client`."""

    init_info_cls = SegmentTrainerInit
    chunk_bytes: int = CHUNK_BYTES

    @classmethod
    def trainer_init(
        cls, init_info: SegmentTrainerInit, *, client: VLLMWeightSyncClient, source: WeightSource | None = None
    ) -> Self:
        """See `TrainerWeightTransferEngine`."""
        sender = cls(client=client, source=source, is_sender=init_info.is_sender)
        sender.chunk_bytes = init_info.chunk_bytes
        if sender.is_sender:
            client.init_weight_transfer_engine({})
        return sender

    def send_weights(self) -> None:
        """Send the source. Ranks that do not send still run it, as its tensors may be gathered collectively."""
        assert self.source is not None
        if not self.is_sender:
            for _ in self.source:
                pass
            return
        segment = Segment()
        try:
            self.client.start_weight_update()
            try:
                for chunk in chunks(self.source, self.chunk_bytes):
                    places = [list(astuple(place)) for place in segment.write(chunk)]
                    self.client.update_weights({"segment": segment.name, "places": places})
            finally:
                self.client.finish_weight_update()  # also after a break: vLLM begins no update while one is open
        finally:
            segment.close()
