"""The Megatron-core side of the trainer: model, weights, loss statistics, optimizer and sharded checkpoints.

Importing this package imports Megatron-core in the way this machine needs (see `cpu_patches`), so every module below it
may import `megatron.core` as usual. The modules, in the order data takes:

`runtime` -> `model` -> `weights` -> `token_stats` -> `optimizer` -> `sharded`
"""

from or1_trainer.megatron.cpu_patches import import_megatron

import_megatron()
