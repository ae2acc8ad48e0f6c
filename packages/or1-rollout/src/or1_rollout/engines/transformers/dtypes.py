"""The dtype that a model is computed in."""

from __future__ import annotations

import torch

NATIVE_BFLOAT16 = ("avx512_bf16", "amx_bf16", "bf16")
"""Instructions of x86 and ARM processors that multiply bfloat16 numbers."""


def compute_dtype(device: torch.device, dtype: torch.dtype) -> torch.dtype:
    """The model's dtype; float32 for bfloat16 weights on a CPU without bfloat16 instructions, which is faster there.

    Weights keep the values they have in bfloat16; only the products are wider.
    """
    if dtype != torch.bfloat16 or device.type != "cpu":
        return dtype
    abilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return dtype if any(abilities.get(name) for name in NATIVE_BFLOAT16) else torch.float32
