"""Command lines -> reference pages, read from the parsers that the programs use."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from importlib import import_module

PROGRAMS = {
    "or1-trainer": "or1_trainer.cli",
    "or1-data": "or1_data.cli",
    "or1-reward": "or1_reward.cli",
    "or1-rollout": "or1_rollout.cli",
    "or1-eval": "or1_eval.cli",
}


def command_page(program: str) -> str:
    """The page of one program: a section per command with its usage, arguments, defaults and examples."""
    parser = import_module(PROGRAMS[program]).build_parser()
    parts = [f"# {program}\n\n{_description(parser)}\n"]
    parts += [_section(name, command) for name, command in subcommands(parser).items()]
    return "\n".join(parts)


def subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """Name -> parser of each command; argparse has no public way to ask."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """What a command takes, `--help` and its own commands left out."""
    for action in parser._actions:
        if not isinstance(action, argparse._HelpAction | argparse._SubParsersAction | argparse._VersionAction):
            yield action


def _section(name: str, parser: argparse.ArgumentParser) -> str:
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    rows = [_row(action, parser) for action in arguments(parser)]
    table = ["| argument | default | |", "|---|---|---|", *rows] if rows else []
    shown = f'\n```text title="usage"\n{usage}\n```\n'
    return "\n".join([f"## {name}\n", _description(parser), shown, *table, "", _examples(parser)])


def _row(action: argparse.Action, parser: argparse.ArgumentParser) -> str:
    unnamed = action.dest.upper() if action.option_strings else action.dest
    metavar = action.metavar if isinstance(action.metavar, str) else unnamed
    value = "" if action.nargs == 0 or not action.option_strings else f" {metavar}"
    name = ", ".join(f"`{flag}{value}`" for flag in action.option_strings) or f"`{metavar}`"
    text = parser._get_formatter()._expand_help(action) if action.help else ""
    choices = f" One of {', '.join(f'`{choice}`' for choice in action.choices)}." if action.choices else ""
    return f"| {name} | {_default(action)} | {_cell(text)}{choices} |"


def _default(action: argparse.Action) -> str:
    if action.required or (not action.option_strings and action.nargs not in ("?", "*")):
        return "required"
    if action.default in (None, False, argparse.SUPPRESS, "", [], ()):
        return ""
    return f"`{action.default}`"


def _cell(text: str) -> str:
    """Text in one cell of a table."""
    return _prose(" ".join(text.split())).replace("|", r"\|")


def _prose(text: str) -> str:
    """Plain text as Markdown: brackets are no links, and `<` opens no tag."""
    return text.replace("[", r"\[").replace("<", "&lt;")


def _description(parser: argparse.ArgumentParser) -> str:
    """The description; what is indented in it is an example."""
    text = (parser.description or "").strip()
    prose, _, example = text.partition("\n\n  ")
    if prose and prose.split()[0].isalpha():  # not avg@k
        prose = prose[0].upper() + prose[1:]
    return _prose(prose) + (f"\n\n```text\n  {example}\n```" if example else "")


def _examples(parser: argparse.ArgumentParser) -> str:
    epilog = re.sub(r"^[Ee]xamples?:\n", "", (parser.epilog or "").strip("\n"))
    return f'```text title="examples"\n{epilog}\n```\n' if epilog else ""
