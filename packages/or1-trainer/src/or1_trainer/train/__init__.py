"""The training loop: rollout batches, updates, weight sync, evaluation, checkpoints."""
