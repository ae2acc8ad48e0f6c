"""The optimizer that fits the device."""

from or1_trainer.policy.model import Policy
from or1_trainer.policy.optimizer.flat_adamw import FlatAdamW
from or1_trainer.policy.optimizer.interface import Optimizer, OptimizerSettings
from or1_trainer.policy.parallel import Runtime


def build_optimizer(policy: Policy, runtime: Runtime, settings: OptimizerSettings) -> Optimizer:
    """Build the optimizer that fits the device.

    The policy's parameters are moved into the optimizer's buffers: build it once, after the weights are loaded and
    before any backward pass.
    """
    if runtime.device.type == "cuda":
        from or1_trainer.policy.optimizer.distributed import CudaOptimizer  # imports Megatron's optimizers

        return CudaOptimizer(policy, settings)
    return FlatAdamW(policy, runtime, settings)
