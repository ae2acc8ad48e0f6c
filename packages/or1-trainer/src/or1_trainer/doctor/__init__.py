"""`or1-trainer doctor`: what this machine has, and what a recipe would miss on it."""
