"""Command line of or1-data. Exit code 0: done, 1: failed or something found wrong, 2: wrong usage."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Sequence
from typing import Any

from or1_data import __version__
from or1_data.cli_options import add_recipes, add_run, add_select, add_stage_parsers, add_stats, add_validate
from or1_data.errors import ConfigError, DataError

_ABOUT = """\
From raw problems to a training set that can be trusted. An input may be a file (jsonl, json, parquet, arrow, csv;
gz and zst of text), a folder, a pattern, several of these, or a hub id (owner/name[:config][#split]). Known sets are
recognized by their columns; --columns names those of others.

  or1-data stats problems.jsonl                       what is in there
  or1-data dedup problems.jsonl -o unique.jsonl       drop copies, keep the reasons in unique.dropped.jsonl
  or1-data decontaminate in.parquet -o out.parquet --benchmark aime24.jsonl --benchmark aime25.jsonl
  or1-data run my-recipe.toml --out runs/mine         everything, resumable, with a report
"""


def build_parser() -> ArgumentParser:
    """The whole command line."""
    parser = ArgumentParser("or1-data", description=_ABOUT, formatter_class=RawDescriptionHelpFormatter)
    parser.add_argument("--version", action="version", version=f"or1-data {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_run(commands)
    add_recipes(commands)
    add_stats(commands)
    add_validate(commands)
    add_stage_parsers(commands)
    add_select(commands)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = build_parser().parse_args(arguments)
    try:
        return _command(options.command)(options)
    except ConfigError as error:
        print(f"or1-data {options.command}: {error}", file=sys.stderr)
        return 2
    except DataError as error:
        print(f"or1-data {options.command}: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"or1-data {options.command}: {place}{error.strerror or error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(
            f"or1-data {options.command}: stopped; finished work is kept, and the same command continues",
            file=sys.stderr,
        )
        return 1


def _command(name: str) -> Callable[[Namespace], int]:
    from or1_data import commands, stage_commands

    table: dict[str, Any] = {
        "run": commands.run,
        "recipes": commands.recipes,
        "stats": commands.stats,
        "validate": commands.validate,
        "select": commands.select,
    }
    handler: Callable[[Namespace], int] = table.get(name, stage_commands.stage)
    return handler


if __name__ == "__main__":
    sys.exit(main())
