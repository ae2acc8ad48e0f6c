"""The dtype that a model is computed in."""

from __future__ import annotations

import torch

from or1_rollout.processor import has_fast_bfloat16


def compute_dtype(device: torch.device, dtype: torch.dtype) -> torch.dtype:
    """The model's dtype; float32 for bfloat16 weights on a CPU whose bfloat16 products are slower.

    Weights keep the values they have in bfloat16; only the products are wider.
    """
    return torch.float32 if dtype == torch.bfloat16 and device.type == "cpu" and not has_fast_bfloat16() else dtype
