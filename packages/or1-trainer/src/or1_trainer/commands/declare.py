"""Declaration of a command: its help with description and examples."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from typing import TypeAlias

from or1_trainer.errors import ConfigError

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def declare(commands: Commands, name: str, summary: str, *, more: str, examples: str) -> argparse.ArgumentParser:
    """Add a command whose `--help` shows `summary` (one line), `more` below it, and `examples` to type."""
    return commands.add_parser(
        name,
        help=summary,
        description=f"{summary[0].upper()}{summary[1:]}.\n\n{more.strip()}",
        epilog=f"examples:\n{textwrap.indent(textwrap.dedent(examples).strip(), '  ')}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def no_settings(rest: Sequence[str]) -> None:
    """Raise `ConfigError` when a command that takes no settings was given some."""
    if rest:
        raise ConfigError(f"unexpected arguments: {' '.join(rest)}")
