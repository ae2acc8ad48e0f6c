"""Estimates of the memory, tokens, FLOPs and time that a recipe needs on given GPUs."""
