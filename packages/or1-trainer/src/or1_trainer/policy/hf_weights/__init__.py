"""Hugging Face weights in and out of the Megatron policy."""
