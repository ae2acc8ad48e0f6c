"""Build the optimizer that fits the device."""

from or1_trainer.config.schema import OptimizerSettings
from or1_trainer.policy.model import Policy
from or1_trainer.policy.optimizer.adamw import AdamW
from or1_trainer.policy.optimizer.interface import Optimizer


def build_optimizer(policy: Policy, settings: OptimizerSettings) -> Optimizer:
    """Build the optimizer of a policy, after its weights are loaded and before any backward pass.

    Megatron's distributed optimizer allocates on CUDA alone; the CPU has torch's AdamW.
    """
    if policy.runtime.device.type == "cuda":
        from or1_trainer.policy.optimizer.distributed import DistributedAdamW  # imports Megatron's optimizers

        return DistributedAdamW(policy, settings)
    return AdamW(policy, settings)
