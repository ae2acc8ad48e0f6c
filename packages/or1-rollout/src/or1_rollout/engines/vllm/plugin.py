"""What vLLM loads in each of its processes (entry point `vllm.general_plugins`): our weight transfer for CPUs."""

from __future__ import annotations

from contextlib import suppress

BACKEND = "or1_shared_memory"
"""Name of the transfer in `--weight-transfer-config '{"backend": ...}'`."""


def register() -> None:
    """Make the backend known to vLLM's two factories, lazily; calling it again changes nothing."""
    from vllm.distributed.weight_transfer import factory

    ours = (
        (factory.WeightTransferEngineFactory, "or1_rollout.engines.vllm.receive", "SharedMemoryReceiver"),
        (factory.WeightTransferTrainerFactory, "or1_rollout.engines.vllm.send", "SharedMemorySender"),
    )
    for registry, module, name in ours:
        with suppress(ValueError):  # a second registration of one name
            registry.register_engine(BACKEND, module, name)
