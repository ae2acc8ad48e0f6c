"""Sympy in a worker process: the last step of a comparison."""
