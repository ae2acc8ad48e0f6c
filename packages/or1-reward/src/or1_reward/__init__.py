"""or1-reward."""
