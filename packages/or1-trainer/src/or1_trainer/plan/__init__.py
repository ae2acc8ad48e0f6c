"""Estimates of memory, tokens, FLOPs and time of a recipe, before a GPU is rented."""
