"""The feed-forward half of a layer as compiled functions: float32, on one core, where MKL multiplies fast.

A program (`or1_rollout.programs`) reads and writes memory once per operation; a loop does all that is done to an
element while it is at hand. Programs remain for all else: float64, several threads, processors on which oneDNN
multiplies faster than MKL (`or1_rollout.products`), machines without MKL. The attention half stays a program: compiled
it took as long, because its products are small and many.
"""

import torch
from torch import Tensor

from or1_rollout.mkl import HAS_MKL
from or1_rollout.products import NARROW


def takes(rows: Tensor) -> bool:
    """Whether the compiled half is for these rows, in this thread."""
    return HAS_MKL and not NARROW and rows.dtype == torch.float32 and rows.is_cpu and torch.get_num_threads() == 1
