"""The `or1-trainer` command: an interrupt while the command line is still being imported is no traceback either."""

import sys


def main() -> int:
    """See `cli.main`."""
    try:
        from or1_trainer import cli
    except KeyboardInterrupt:
        print("or1-trainer: interrupted before anything began", file=sys.stderr)
        return 130
    return cli.main()
