"""Checks that an engine holds the weights that were sent to it."""
