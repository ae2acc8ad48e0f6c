"""Optimizers of the policy on the CPU and on CUDA, behind one interface."""
