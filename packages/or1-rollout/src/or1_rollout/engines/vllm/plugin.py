"""Registration of our weight transfers; vLLM calls it in each of its processes (entry point `vllm.general_plugins`)."""

from __future__ import annotations

from contextlib import suppress

SHARED_MEMORY = "or1_shared_memory"
"""Transfer to processes on the same machine, `--weight-transfer-config '{"backend": "or1_shared_memory"}'`."""

IN_PROCESS = "or1_in_process"
"""Transfer to a worker in the same process."""


def register() -> None:
    """Make both transfers known to vLLM's factories; calling it again changes nothing."""
    from vllm.distributed.weight_transfer import factory

    for backend, kind in ((SHARED_MEMORY, "SharedMemory"), (IN_PROCESS, "InProcess")):
        with suppress(ValueError):  # registered before
            factory.WeightTransferEngineFactory.register_engine(
                backend, "or1_rollout.engines.vllm.receive", f"{kind}Receiver"
            )
        with suppress(ValueError):
            factory.WeightTransferTrainerFactory.register_engine(
                backend, "or1_rollout.engines.vllm.send", f"{kind}Sender"
            )
