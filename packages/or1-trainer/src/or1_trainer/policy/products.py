"""Matrix products of bfloat16 numbers with float32 results: products of two such numbers are exact in float32."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor


def wide_bmm(left: Tensor, right: Tensor, scale: float = 1.0) -> Tensor:
    """Return scale * left @ right of batches of matrices, in at least float32."""
    if left.dtype != torch.bfloat16:
        return torch.bmm(left if scale == 1.0 else left * scale, right)
    with _bfloat16_inside():
        return torch.bmm(left.float() if scale == 1.0 else left.float() * scale, right.float())


def wide_product(left: Tensor, right: Tensor) -> Tensor:
    """Return left @ right in at least float32, for a `right` that went through `wide_factor`."""
    if left.dtype != torch.bfloat16:
        return left @ right
    if right.dtype == torch.bfloat16:
        return torch.mm(left, right, out_dtype=torch.float32)
    with _bfloat16_inside():
        return left.float() @ right


def wide_factor(right: Tensor) -> Tensor:
    """Prepare the right factor of several wide products: on a CPU, which lacks `out_dtype`, in float32."""
    return right if right.is_cuda else right.to(torch.promote_types(right.dtype, torch.float32))


@contextmanager
def _bfloat16_inside() -> Iterator[None]:
    """Let oneDNN multiply float32 tensors, which hold bfloat16 numbers here, as bfloat16 with AVX512-BF16 or AMX."""
    matmul = torch.backends.mkldnn.matmul  # type: ignore[attr-defined]
    before = matmul.fp32_precision
    matmul.fp32_precision = "bf16"
    try:
        yield
    finally:
        matmul.fp32_precision = before
