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

from or1_rollout.engines.vllm.segment import Place, opened, read
from or1_rollout.errors import EngineError

Update = TypeVar("Update", bound=WeightTransferUpdateInfo)


@dataclass
class NoInit(WeightTransferInitInfo):
    """Nothing is agreed on before the first chunk."""


@dataclass
class SegmentUpdate(WeightTransferUpdateInfo):
    """One chunk: the segment's name and where each tensor lies."""

    segment: str
    places: list[Place]


@dataclass
class InProcessUpdate(WeightTransferUpdateInfo):
    """One tensor, the sender's own.

    CUDA refuses to open an IPC handle in the process that made it, and nothing needs to be copied here.
    """

    name: str
    tensor: Tensor


class ChunkReceiver(WeightTransferEngine[NoInit, Update]):
    """Loads chunks of named tensors into the model of this worker."""

    init_info_cls = NoInit

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

    def receive_weights(self, update_info: SegmentUpdate) -> None:
        """Load copies of the tensors in the segment, which the sender will overwrite."""
        with opened(update_info.segment) as whole:
            named = [read(whole, place) for place in update_info.places]
        self.model.load_weights(named)


class InProcessReceiver(ChunkReceiver[InProcessUpdate]):
    """Takes the tensors themselves from a sender in the same process."""

    update_info_cls = InProcessUpdate

    def receive_weights(self, update_info: InProcessUpdate) -> None:
        """Load the sender's tensor. Raises `EngineError` where it went through a message to another process."""
        if not isinstance(update_info.tensor, Tensor):
            raise EngineError("the worker of vLLM is not in this process: use the weight transfer shared_memory")
        self.model.load_weights([(update_info.name, update_info.tensor)])
