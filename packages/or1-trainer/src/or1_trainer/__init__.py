"""or1-trainer."""
