"""Optimizers of the policy: torch's AdamW on the CPU, Megatron's distributed one on CUDA, behind one interface."""
