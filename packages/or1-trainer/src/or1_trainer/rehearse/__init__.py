"""A training step of a GPU recipe, traced without a GPU: the real functions on tensors without data."""
