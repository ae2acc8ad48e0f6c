"""The command line of `or1-trainer`; the commands are in `commands/`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import metadata

from or1_trainer.commands import compare, doctor, models, plan, runs, study, train
from or1_trainer.commands.outcome import exit_code
from or1_trainer.config.load import parse_overrides
from or1_trainer.config.near import did_you_mean
from or1_trainer.errors import ConfigError
from or1_trainer.launch import ERROR_FILE, die_with_parent

EPILOG = """\
examples:
  or1-trainer                                      SmolLM2-135M learns sums on this machine
  or1-trainer tiny                                 a model of a million parameters learns arithmetic
  or1-trainer tiny --seed 3 --stages.0.steps 20    the same with changed settings
  or1-trainer tiny --nproc 2 --parallel.tensor 2   two processes that split the model (tensor parallelism)
  or1-trainer train my_recipe.toml --dry-run       print all settings and exit
  or1-trainer resume runs/tiny-001                 resume from the newest checkpoint
  or1-trainer report runs/tiny-001 runs/tiny-002   write one report.html that compares runs
  or1-trainer watch runs/tiny-001                  charts and rollouts in the browser, live
  or1-trainer diff runs/tiny-001 runs/tiny-002     find the first step at which two runs differ
  or1-trainer replay runs/tiny-001 --step 40       compute a step again and compare it
  or1-trainer export runs/tiny-001 model/          export the newest checkpoint to Hugging Face format
  or1-trainer plan or1-7b --gpus 32 --gpu h200     estimate memory and time before renting GPUs
  or1-trainer rehearse or1-7b --gpus 32            trace one step of it without a GPU
  or1-trainer doctor or1-7b                        check what this recipe needs and this machine lacks
  or1-trainer study list                           list the experiments on entropy
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 1 failed, 2 wrong usage, 130 interrupted."""
    if ERROR_FILE in os.environ:  # a worker ends when its launcher does, even by SIGKILL
        die_with_parent()
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser, options = build_parser(), argparse.Namespace(folder=None)
    commands = _commands(parser)
    if not given or (given[0] not in commands and given[0] not in ("-h", "--help", "--version")):
        given.insert(0, "train")

    def command() -> int:
        own, settings = split_settings(given, _flags([parser, *commands.values()]))
        parser.parse_args(own, options)
        if settings and not options.takes_settings:
            raise ConfigError(f"unexpected arguments: {' '.join(settings)}")
        options.settings = parse_overrides(settings)
        return int(options.run(options))

    return exit_code(command, lambda: options.folder)


def split_settings(arguments: Sequence[str], takes_value: dict[str, bool]) -> tuple[list[str], list[str]]:
    """Split arguments into the command's own and the settings (`--section.key value`).

    `takes_value`: the command's own flags, and whether each has a value. Raises `ConfigError` for a setting without a
    value, which may be a misspelled flag.
    """
    own: list[str] = []
    settings: list[str] = []
    items = iter(arguments)
    for item in items:
        flag = item.split("=", 1)[0]
        target = settings if flag.startswith("--") and flag not in takes_value else own
        target.append(item)
        if flag.startswith("--") and "=" not in item and takes_value.get(flag, True):
            value = next(items, None)
            if value is not None:
                target.append(value)
            elif target is settings:
                raise ConfigError(f"{flag} needs a value{did_you_mean(flag, takes_value)}")
    return own, settings


def _flags(parsers: Sequence[argparse.ArgumentParser]) -> dict[str, bool]:
    """Every declared flag -> whether it takes a value; argparse has no public list of flags."""
    actions = [action for parser in parsers for action in parser._actions]
    return {flag: action.nargs != 0 for action in actions for flag in action.option_strings}


def _commands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of the commands by name; argparse has no public way to ask."""
    (choices,) = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return dict(choices)


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = argparse.ArgumentParser(
        prog="or1-trainer",
        description="Multi-stage GRPO with adaptive entropy (MAGIC) on Megatron-core, on a laptop CPU or a GPU node.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"or1-trainer {metadata.version('or1-trainer')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (train, runs, compare, models, plan, doctor, study):
        command.add(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
