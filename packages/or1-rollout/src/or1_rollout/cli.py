"""Command line of or1-rollout."""


def main() -> int:
    """Run the command line."""
    raise NotImplementedError
