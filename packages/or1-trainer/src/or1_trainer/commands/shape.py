"""What every command shares: the type it is declared in, and the refusal of what it does not take."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TypeAlias

from or1_trainer.errors import ConfigError

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def no_more(rest: Sequence[str]) -> None:
    """Raise `ConfigError` when settings were given to a command that has none."""
    if rest:
        raise ConfigError(f"unexpected: {' '.join(rest)}")
