"""Command line of or1-eval."""


def main() -> int:
    """Run the command line."""
    raise NotImplementedError
