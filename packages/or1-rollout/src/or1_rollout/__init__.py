"""or1-rollout."""
