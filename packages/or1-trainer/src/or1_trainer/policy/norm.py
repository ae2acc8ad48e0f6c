"""RMS norm with a learned scale: torch's own, for Megatron's specs and with the scale's gradient summed over ranks."""

import torch
import torch.nn.functional as F
from megatron.core.transformer.transformer_config import TransformerConfig
from torch import Tensor

from or1_trainer.policy.tensor_ranks import copied


class RmsNorm(torch.nn.RMSNorm):
    """Norm of hidden states. Megatron's wrapper of torch's norm refuses sequence parallelism."""

    def __init__(self, config: TransformerConfig, hidden_size: int, eps: float, **_: object) -> None:
        """Accept the arguments Megatron passes to every norm."""
        super().__init__(hidden_size, eps=eps, dtype=config.params_dtype)
        self.sums_gradient = bool(config.sequence_parallel)
        """Whether each tensor rank norms other tokens (or heads), so that the scale's gradient is a sum over ranks."""

    def forward(self, x: Tensor) -> Tensor:
        """Return x / rms(x) * weight over the last axis."""
        weight = copied(self.weight) if self.sums_gradient else self.weight
        return F.rms_norm(x, self.normalized_shape, weight, self.eps)


class HeadNorm(RmsNorm):
    """Norm of queries or keys: one scale for all heads, of which each tensor rank has its own."""

    def __init__(self, config: TransformerConfig, hidden_size: int, eps: float, **_: object) -> None:
        """Accept the arguments Megatron passes to every norm."""
        super().__init__(config, hidden_size, eps)
        self.sums_gradient = True
