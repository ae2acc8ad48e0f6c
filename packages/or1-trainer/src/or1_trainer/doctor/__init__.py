"""Checks of `or1-trainer doctor`: of this machine, and of what a recipe needs."""
