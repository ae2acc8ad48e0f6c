"""Entry point of `or1-trainer`; Ctrl-C during the imports prints a message instead of a traceback."""

import sys


def main() -> int:
    """Run `cli.main`."""
    try:
        from or1_trainer import cli
    except KeyboardInterrupt:
        print("or1-trainer: interrupted before anything started", file=sys.stderr)
        return 130
    return cli.main()
