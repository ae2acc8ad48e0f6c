"""Matrix products of bfloat16 numbers with float32 results: products of two such numbers are exact in float32."""

import torch
from torch import Tensor


def set_product_precision(dtype: torch.dtype) -> None:
    """Let oneDNN multiply float32 tensors as bfloat16 for a bfloat16 model, and exactly for all others.

    For the whole process. It applies to processors with AVX512-BF16 or AMX; the tensors that a bfloat16 model widens to
    float32 hold bfloat16 numbers, or are rounded to them as flash attention's kernels round theirs.
    """
    precision = "bf16" if dtype == torch.bfloat16 else "none"
    torch.backends.mkldnn.matmul.fp32_precision = precision  # type: ignore[attr-defined]


def wide_bmm(left: Tensor, right: Tensor, scale: float = 1.0) -> Tensor:
    """Return scale * left @ right of batches of matrices, in at least float32."""
    wide = torch.promote_types(left.dtype, torch.float32)
    left = left.to(wide) if scale == 1.0 else left.to(wide) * scale
    return torch.bmm(left, right.to(wide))


def wide_product(left: Tensor, right: Tensor) -> Tensor:
    """Return left @ right in at least float32."""
    if left.dtype in (torch.float32, torch.float64):
        return left @ right
    if left.is_cuda:
        return torch.mm(left, right, out_dtype=torch.float32)
    return left.float() @ right.float()  # `out_dtype` is CUDA's alone
