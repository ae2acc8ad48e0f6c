"""The policy on Megatron-core: model, attention, token statistics, Hugging Face weights, checkpoints, optimizers.

Importing this package imports Megatron-core in the way this machine needs (see `cpu_patches`), so that every module
below it may import `megatron.core` as usual.
"""

from or1_trainer.policy.cpu_patches import import_megatron

import_megatron()
