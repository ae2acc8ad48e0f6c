"""Which GPUs this process sees."""

from __future__ import annotations

from pathlib import Path


def visible_gpus(nodes: Path = Path("/dev")) -> int:
    """Count the GPUs; torch is imported only where a device node of NVIDIA (or of WSL) exists."""
    if not any(nodes.glob("nvidia[0-9]*")) and not (nodes / "dxg").exists():
        return 0
    import torch

    return torch.cuda.device_count()
