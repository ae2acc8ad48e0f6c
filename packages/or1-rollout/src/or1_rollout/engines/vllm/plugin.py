"""Registration of our weight transfers; vLLM calls it in each of its processes (entry point `vllm.general_plugins`)."""

from __future__ import annotations

from contextlib import suppress

SHARED_MEMORY = "or1_shared_memory"
"""Transfer to processes on the same machine, `--weight-transfer-config '{"backend": "or1_shared_memory"}'`."""

IN_PROCESS = "or1_in_process"
"""Transfer to a worker in the same process."""


def register() -> None:
    """Make both transfers known to vLLM's workers; calling it again changes nothing."""
    from vllm.distributed.weight_transfer.factory import WeightTransferEngineFactory

    for backend, name in ((SHARED_MEMORY, "SharedMemoryReceiver"), (IN_PROCESS, "InProcessReceiver")):
        with suppress(ValueError):  # registered before
            WeightTransferEngineFactory.register_engine(backend, "or1_rollout.engines.vllm.receive", name)
