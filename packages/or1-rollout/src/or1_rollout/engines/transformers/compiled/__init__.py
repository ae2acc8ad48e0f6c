"""Decoding as compiled functions, for small float32 models on a CPU."""
