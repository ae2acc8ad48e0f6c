"""The policy on Megatron-core: model, attention, token statistics, Hugging Face weights, checkpoints, optimizers."""
