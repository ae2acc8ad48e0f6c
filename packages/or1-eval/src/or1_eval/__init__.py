"""or1-eval."""
