"""Assignment of GPUs to concurrent runs, so that no two share one. The assignment is tested; it never ran on CUDA."""

from __future__ import annotations

from collections.abc import Sequence

from or1_trainer.config.schema import RunConfig
from or1_trainer.errors import ConfigError


def gpu_groups(configs: Sequence[RunConfig], gpus: int) -> list[str]:
    """Return values of CUDA_VISIBLE_DEVICES, one per concurrent run; empty where no GPU is used.

    Raises:
        ConfigError: there are fewer GPUs than one run needs.
    """
    if not gpus or all(config.device == "cpu" for config in configs):
        return []
    per_run = max(max(config.parallel.tensor, 1) * max(config.parallel.data, 1) for config in configs)
    if per_run > gpus:
        raise ConfigError(f"a run of this study needs {per_run} GPUs, and this machine has {gpus}")
    return [",".join(map(str, range(first, first + per_run))) for first in range(0, gpus - per_run + 1, per_run)]
