"""What every command shares: how it is declared with a help that teaches, and the refusal of what it does not take."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Sequence
from typing import TypeAlias

from or1_trainer.errors import ConfigError

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def declare(commands: Commands, name: str, told: str, *, more: str, examples: str) -> argparse.ArgumentParser:
    """A command's parser: `told` in one line, `more` beneath it, and `examples` of lines to type."""
    return commands.add_parser(
        name,
        help=told,
        description=f"{told[0].upper()}{told[1:]}.\n\n{more.strip()}",
        epilog=f"examples:\n{textwrap.indent(textwrap.dedent(examples).strip(), '  ')}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )


def no_more(rest: Sequence[str]) -> None:
    """Raise `ConfigError` when settings were given to a command that has none."""
    if rest:
        raise ConfigError(f"unexpected: {' '.join(rest)}")
