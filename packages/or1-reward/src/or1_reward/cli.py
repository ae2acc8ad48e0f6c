"""Command line of or1-reward."""


def main() -> int:
    """Run the command line."""
    raise NotImplementedError
