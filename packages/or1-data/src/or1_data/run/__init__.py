"""Recipes run end to end: resumable, in bounded memory, with progress, a guard, a manifest and a report."""

from or1_data.run.pipeline import RunResult, run_recipe
from or1_data.run.recipe import Recipe, load_recipe

__all__ = ["Recipe", "RunResult", "load_recipe", "run_recipe"]
