"""Command line of or1-data."""


def main() -> int:
    """Run the command line."""
    raise NotImplementedError
