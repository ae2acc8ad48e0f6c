"""Checkpoints: exact training state in folders that appear whole or not at all."""
