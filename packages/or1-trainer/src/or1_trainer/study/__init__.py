"""Experiments that test a claim: arms and seeds as data, effects with intervals, a verdict, a page."""
