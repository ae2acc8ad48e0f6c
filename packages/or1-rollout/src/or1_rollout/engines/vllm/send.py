"""The sending side of our two weight transfers, and the source that all of vLLM's transfers read from."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from vllm.distributed.weight_transfer.base import (
    ParamMeta,
    TrainerInitInfo,
    TrainerWeightTransferEngine,
    VLLMWeightSyncClient,
    WeightSource,
)

from or1_rollout.engines.vllm.in_process import leave
from or1_rollout.engines.vllm.plugin import IN_PROCESS, SHARED_MEMORY
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

    def largest_bytes(self) -> int:
        """Size of the largest tensor."""
        return max(math.prod(shape) * dtype.itemsize for _, dtype, shape in self._weights.metadata())

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """One pass; every rank that shares tensors must make it."""
        return iter(self._weights)


@dataclass
class SegmentTrainerInit(TrainerInitInfo):
    """Settings of `SharedMemorySender`."""

    backend: ClassVar[str] = SHARED_MEMORY


@dataclass
class InProcessTrainerInit(TrainerInitInfo):
    """Settings of `InProcessSender`."""

    backend: ClassVar[str] = IN_PROCESS


class ChunkSender(TrainerWeightTransferEngine[TrainerInitInfo]):
    """Sends the source chunk by chunk to the engine (or engines) behind `client`."""

    @classmethod
    def trainer_init(
        cls, init_info: TrainerInitInfo, *, client: VLLMWeightSyncClient, source: WeightSource | None = None
    ) -> Self:
        """See `TrainerWeightTransferEngine`."""
        sender = cls(client=client, source=source, is_sender=init_info.is_sender)
        if sender.is_sender:
            client.init_weight_transfer_engine({})
        return sender

    def updates(self, source: WeightSource) -> Iterator[dict[str, Any]]:
        """What the client is told about each chunk."""
        raise NotImplementedError

    def send_weights(self) -> None:
        """Send the source. Ranks that do not send still run it, as its tensors may be gathered collectively."""
        assert self.source is not None
        if not self.is_sender:
            for _ in self.source:
                pass
            return
        self.client.start_weight_update()
        try:
            for update in self.updates(self.source):
                self.client.update_weights(update)
        finally:
            self.client.finish_weight_update()  # also after an error: vLLM begins no update while one is open


class SharedMemorySender(ChunkSender):
    """Writes chunks into shared memory."""

    init_info_cls = SegmentTrainerInit

    def updates(self, source: WeightSource) -> Iterator[dict[str, Any]]:
        """See `ChunkSender.updates`."""
        segment = Segment()
        try:
            for chunk in chunks(source, CHUNK_BYTES):
                yield {"segment": segment.name, "places": [list(astuple(place)) for place in segment.write(chunk)]}
        finally:
            segment.close()


class InProcessSender(ChunkSender):
    """Hands the tensors themselves to a worker in this process."""

    init_info_cls = InProcessTrainerInit

    def updates(self, source: WeightSource) -> Iterator[dict[str, Any]]:
        """See `ChunkSender.updates`."""
        for name, tensor in source:
            yield {"ticket": leave([(name, tensor.detach())])}
