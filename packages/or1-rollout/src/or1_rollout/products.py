"""Products with weight matrices on the CPU, through the library that multiplies faster on this processor.

torch gives float32 products to MKL, which takes its narrow AVX2 code on processors that Intel did not make: 112 GFLOP/s
of one core of an EPYC on which oneDNN, which torch carries too, reaches 254 (2100 x 128 by 128 x 1024, float32,
2026-11-28). oneDNN costs 10 microseconds more to call, so that small products stay with MKL; and 250 more at the first
call with new sizes, so that it is for sizes that come again (`TOKENS`), or for products that are worth that too. Other
dtypes and other processors multiply as torch does.

Plain functions, so that programs (`or1_rollout.programs`) may call them.
"""

from pathlib import Path
from typing import Optional

import torch
import torch.nn.functional as F
from torch import Tensor

AGAIN = 2**21
"""Multiplications of a product worth oneDNN's call: 38 microseconds of MKL's on that core."""

ONCE = 2**25
"""The same for sizes that may never come again: 600 microseconds."""


def _mkl_is_narrow() -> bool:
    """Whether MKL is slow here: an x86 processor with wide vectors whose maker is not Intel."""
    info = Path("/proc/cpuinfo")
    if not (torch.backends.mkl.is_available() and torch.backends.mkldnn.is_available() and info.exists()):
        return False
    words = info.read_text(errors="replace")
    return "GenuineIntel" not in words and "avx512f" in words


NARROW = _mkl_is_narrow()


def goes_to_onednn(rows: int, weight: Tensor) -> bool:
    """Whether oneDNN multiplies so many rows with a weight."""
    return NARROW and rows * weight.numel() >= AGAIN


def _torch_linear(
    x: Tensor,
    weight: Tensor,
    bias: Optional[Tensor] = None,  # noqa: UP045 - TorchScript
    worth: int = AGAIN,
) -> Tensor:
    return F.linear(x, weight, bias)


def _onednn_linear(
    x: Tensor,
    weight: Tensor,
    bias: Optional[Tensor] = None,  # noqa: UP045 - TorchScript
    worth: int = AGAIN,
) -> Tensor:
    if x.numel() * weight.size(0) < worth or x.dtype != torch.float32 or x.is_cuda:
        return F.linear(x, weight, bias)
    product: Tensor = torch.ops.mkldnn._linear_pointwise(x, weight, bias, "none", [], "")
    return product


def _torch_linear_onto(total: Tensor, x: Tensor, weight: Tensor, worth: int = AGAIN) -> Tensor:
    return torch.addmm(total, x, weight.t())


def _onednn_linear_onto(total: Tensor, x: Tensor, weight: Tensor, worth: int = AGAIN) -> Tensor:
    if x.numel() * weight.size(0) < worth:
        return torch.addmm(total, x, weight.t())
    return _onednn_linear(x, weight, None, worth).add_(total)


def _torch_add_product(total: Tensor, left: Tensor, right: Tensor, worth: int = AGAIN) -> Tensor:
    return total.addmm_(left.t(), right)


def _onednn_add_product(total: Tensor, left: Tensor, right: Tensor, worth: int = AGAIN) -> Tensor:
    return total.add_(_onednn_linear(left.t(), right.t(), None, worth))


TOKENS = 64 if NARROW else 1
"""Packed batches are padded to a multiple of this many tokens, so that few different sizes come, and come again."""

linear = _onednn_linear if NARROW else _torch_linear
"""x @ weight.T + bias over the last axis; no gradient flows through it."""

linear_onto = _onednn_linear_onto if NARROW else _torch_linear_onto
"""total + x @ weight.T as a new tensor, all of two axes; no gradient flows through it."""

add_product = _onednn_add_product if NARROW else _torch_add_product
"""Add left.T @ right, a weight's gradient, to `total` in place."""
