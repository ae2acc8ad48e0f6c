"""The receiving side of our two weight transfers; vLLM loads it into its worker.

Weights arrive under Hugging Face names and go through vLLM's own layerwise reload, as with its `ipc` and `nccl`
transfers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import torch
from torch import Tensor
from vllm.distributed.weight_transfer.base import (
    WeightTransferEngine,
    WeightTransferInitInfo,
    WeightTransferUpdateInfo,
)
from vllm.model_executor.model_loader.reload import finalize_layerwise_reload, initialize_layerwise_reload

from or1_rollout.engines.vllm.in_process import take
from or1_rollout.engines.vllm.segment import Place, opened, read

Update = TypeVar("Update", bound=WeightTransferUpdateInfo)


@dataclass
class NoInit(WeightTransferInitInfo):
    """Nothing is agreed on before the first chunk."""


@dataclass
class SegmentUpdate(WeightTransferUpdateInfo):
    """One chunk: the segment's name and where each tensor lies, as (name, dtype, shape, start)."""

    segment: str
    places: list[tuple[str, str, list[int], int]]


@dataclass
class InProcessUpdate(WeightTransferUpdateInfo):
    """One chunk: the ticket that its tensors were left under."""

    ticket: int


class ChunkReceiver(WeightTransferEngine[NoInit, Update]):
    """Loads chunks of named tensors into the model of this worker."""

    init_info_cls = NoInit

    def tensors(self, update_info: Update) -> list[tuple[str, Tensor]]:
        """The tensors of one chunk."""
        raise NotImplementedError

    def init_transfer_engine(self, init_info: NoInit) -> None:
        """Do nothing: there is no connection."""

    def start_weight_update(self) -> None:
        """Open the model's layers for new weights."""
        initialize_layerwise_reload(self.model)

    def update_weights(self, update_info: dict[str, Any]) -> None:
        """Load one chunk; unlike the base class this works without an accelerator."""
        self.receive_weights(self.parse_update_info(update_info))
        if torch.accelerator.is_available():
            torch.accelerator.synchronize()

    def receive_weights(self, update_info: Update) -> None:
        """Load one chunk."""
        self.model.load_weights(self.tensors(update_info))

    def finish_weight_update(self) -> None:
        """Close the layers; then let a tied head pack its weights again.

        vLLM's CPU kernels multiply by a packed copy that is made when a layer is loaded. A tied head shares the
        embedding's parameter but has a packed copy of its own, which the reload does not touch: without this it would
        go on with the old weights (log-probs off by 0.43 nats).
        """
        finalize_layerwise_reload(self.model, self.model_config)
        head = getattr(self.model, "lm_head", None)
        if getattr(self.model.config, "tie_word_embeddings", False) and head is not None:
            head.quant_method.process_weights_after_loading(head)

    def shutdown(self) -> None:
        """Do nothing: nothing is held between updates."""


class SharedMemoryReceiver(ChunkReceiver[SegmentUpdate]):
    """Reads chunks from shared memory."""

    update_info_cls = SegmentUpdate

    def tensors(self, update_info: SegmentUpdate) -> list[tuple[str, Tensor]]:
        """Copies of the tensors in the segment, which the sender will overwrite."""
        with opened(update_info.segment) as whole:
            places = [Place(name, dtype, tuple(shape), start) for name, dtype, shape, start in update_info.places]
            return [(place.name, read(whole, place)) for place in places]


class InProcessReceiver(ChunkReceiver[InProcessUpdate]):
    """Takes the tensors themselves from a sender in the same process."""

    update_info_cls = InProcessUpdate

    def tensors(self, update_info: InProcessUpdate) -> list[tuple[str, Tensor]]:
        """The sender's tensors."""
        return take(update_info.ticket)
