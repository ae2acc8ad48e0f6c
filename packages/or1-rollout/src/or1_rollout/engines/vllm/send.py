"""The trainer's end of the weight transfer for CPUs, and the stream that all of vLLM's transfers read from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
from or1_rollout.errors import WeightPushError

if TYPE_CHECKING:
    from torch import Tensor

CHUNK_BYTES = 1 << 28
"""Memory that a push holds beside the two models: 256 MB, or the largest tensor where that is more."""


class StreamSource(WeightSource):
    """Whatever stream of named tensors the next push is given, as vLLM's `WeightSource`.

    A stream with a method `metadata()` (names, dtypes and shapes beforehand) can also feed transfers that must size
    their buffers first (`nccl`).
    """

    def __init__(self) -> None:
        """Empty until `feed`."""
        self._named: Iterable[tuple[str, Tensor]] = ()

    def feed(self, named: Iterable[tuple[str, Tensor]]) -> None:
        """Set the stream of the next pass."""
        self._named = named

    def metadata(self) -> list[ParamMeta]:
        """See `WeightSource`. Raises `WeightPushError` for a stream that knows no shapes beforehand."""
        described = getattr(self._named, "metadata", None)
        if described is None:
            raise WeightPushError(
                "this transfer needs names, dtypes and shapes before the first tensor: pass a stream with metadata()"
            )
        return [ParamMeta(name, dtype, tuple(shape)) for name, dtype, shape in described()]

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """One pass; every rank that shares tensors must make it."""
        return iter(self._named)


@dataclass
class SegmentTrainerInit(TrainerInitInfo):
    """What the sender needs to know: who it is, and how much memory it may use."""

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
        """One push. Ranks that do not send still run the stream, whose tensors are gathered collectively."""
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
