"""The engine's end of the weight transfer for CPUs: loaded by vLLM into its worker, never by us.

Fits `vllm.distributed.weight_transfer.WeightTransferEngine`. Weights arrive under Hugging Face names and go through
vLLM's own layerwise reload, as with its `ipc` and `nccl` transfers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from vllm.distributed.weight_transfer.base import (
    WeightTransferEngine,
    WeightTransferInitInfo,
    WeightTransferUpdateInfo,
)
from vllm.model_executor.model_loader.reload import finalize_layerwise_reload, initialize_layerwise_reload

from or1_rollout.engines.vllm.segment import Place, opened, read


@dataclass
class SegmentInit(WeightTransferInitInfo):
    """Nothing to agree on beforehand."""


@dataclass
class SegmentUpdate(WeightTransferUpdateInfo):
    """One chunk: the segment's name and where each tensor lies, as (name, dtype, shape, start)."""

    segment: str
    places: list[tuple[str, str, list[int], int]]


class SharedMemoryReceiver(WeightTransferEngine[SegmentInit, SegmentUpdate]):
    """Reads chunks out of shared memory into the model of this worker."""

    init_info_cls = SegmentInit
    update_info_cls = SegmentUpdate

    def init_transfer_engine(self, init_info: SegmentInit) -> None:
        """No rendezvous: each chunk names its segment."""

    def start_weight_update(self) -> None:
        """Open the model's layers for new weights."""
        initialize_layerwise_reload(self.model)

    def update_weights(self, update_info: dict[str, Any]) -> None:
        """Take one chunk. The base class would wait for an accelerator, which a CPU build has not."""
        self.receive_weights(self.parse_update_info(update_info))

    def receive_weights(self, update_info: SegmentUpdate) -> None:
        """Copy the tensors out of the segment, which the sender will write over, and load them."""
        with opened(update_info.segment) as whole:
            places = [Place(name, dtype, tuple(shape), start) for name, dtype, shape, start in update_info.places]
            named = [(place.name, read(whole, place)) for place in places]
        self.model.load_weights(named)

    def finish_weight_update(self) -> None:
        """Close the layers; then let a tied head pack its weights anew.

        vLLM's CPU kernels multiply by a packed copy made when a layer is loaded. A tied head shares the embedding's
        parameter but has a packed copy of its own, which the reload does not touch: it would go on with the old
        weights (off by 0.43 nats, DESIGN §7).
        """
        finalize_layerwise_reload(self.model, self.model_config)
        head = getattr(self.model, "lm_head", None)
        if getattr(self.model.config, "tie_word_embeddings", False) and head is not None:
            head.quant_method.process_weights_after_loading(head)

    def shutdown(self) -> None:
        """Nothing is held between updates."""
