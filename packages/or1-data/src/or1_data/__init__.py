"""or1-data."""
