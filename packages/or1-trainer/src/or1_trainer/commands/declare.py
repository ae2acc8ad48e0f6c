"""Declaration of a command: its help with description and examples, and the function that it runs."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Callable
from typing import TypeAlias

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
Run = Callable[[argparse.Namespace], int]
"""Options -> exit code. `options.settings` has the settings of the command line, [(dotted key, value)]."""


def declare(
    commands: Commands, name: str, run: Run, summary: str, *, more: str, examples: str, takes_settings: bool = False
) -> argparse.ArgumentParser:
    """Add a command whose `--help` shows `summary` (one line), `more` below it, and `examples` to type."""
    parser = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n\n{more.strip()}",
        epilog=f"examples:\n{textwrap.indent(textwrap.dedent(examples).strip(), '  ')}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run, takes_settings=takes_settings, folder=None)
    return parser
