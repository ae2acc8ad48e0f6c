"""Command line of or1-trainer."""


def main() -> int:
    """Run the command line."""
    raise NotImplementedError
