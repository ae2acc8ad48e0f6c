"""Fingerprints from inside vLLM's worker, which this class is mixed into (`worker_extension_cls`)."""

from __future__ import annotations

from typing import Any

from or1_rollout.engines.vllm.effective import fingerprints
from or1_rollout.weight_sync import Fingerprint


class FingerprintWorker:
    """Methods called by name through `collective_rpc`."""

    def or1_fingerprints(self) -> dict[str, list[int]]:
        """Fingerprints of all weights as this engine computes with them, by Hugging Face name; equal on all ranks.

        Tensor-parallel ranks hold slices: their sums are added up, modulo 2^64.
        """
        from vllm.distributed import get_tp_group

        own = fingerprints(self.get_model())  # type: ignore[attr-defined]
        parts: list[Any] = [own]
        group = get_tp_group()
        if group.world_size > 1:
            import torch.distributed as dist

            parts = [None] * group.world_size
            dist.all_gather_object(parts, own, group=group.cpu_group)
        return {name: _sum([part[name] for part in parts if name in part]) for name in {n for p in parts for n in p}}


def _sum(slices: list[Fingerprint]) -> list[int]:
    return [
        sum(s.num_elements for s in slices),
        sum(s.bits_sum for s in slices) % 2**64,
        sum(s.placed_sum for s in slices) % 2**64,
    ]
