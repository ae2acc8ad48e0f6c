"""`or1-trainer`: train, resume, report, export, import-gguf, warm-start, plan, doctor, study."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from itertools import islice

from or1_data.errors import DataError
from or1_eval.errors import EvalError
from or1_rollout.errors import Or1RolloutError
from or1_rollout.openmp import spin_briefly
from or1_trainer.commands import doctor, models, plan, results, study, train
from or1_trainer.config.near import did_you_mean
from or1_trainer.errors import ConfigError, Or1TrainerError
from or1_trainer.launch import ERROR_FILE, report_error, stop_with_launcher, under_launcher

EPILOG = """\
examples:
  or1-trainer                                      the tiny recipe on this machine: a warm start, then MAGIC
  or1-trainer --seed 3 --stages.0.steps 20         the same with settings changed
  or1-trainer --nproc 2 --parallel.tensor 2        two processes, the model split between them
  or1-trainer train my_recipe.toml --dry-run       print every setting as resolved, and stop
  or1-trainer resume runs/tiny-001                 go on from the newest whole checkpoint
  or1-trainer report runs/tiny-001 runs/tiny-002   one report.html over several runs
  or1-trainer export runs/tiny-001 model/          Hugging Face folder of the newest checkpoint
  or1-trainer plan or1-7b --gpus 32 --gpu h200     memory, tokens, FLOPs and time before a GPU is rented
  or1-trainer doctor or1-7b                        what that recipe would miss on this machine
  or1-trainer study list                           the claims about entropy that can be put to the test
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when done, 1 when the run failed, 2 for wrong usage, 130 when interrupted."""
    stop_with_launcher()
    spin_briefly()
    given = list(sys.argv[1:] if arguments is None else arguments)
    parser, commands = _parser()
    if not given or (given[0] not in commands and given[0] not in ("-h", "--help", "--version")):
        given.insert(0, "train")
    try:
        own, rest = split_settings(given, _flags([parser, *commands.values()]))
    except ConfigError as error:
        return _fail(error, str(error), 2)
    options = parser.parse_args(own)
    try:
        return int(options.run(options, rest))
    except KeyboardInterrupt as error:
        return _fail(error, f"interrupted; go on with `or1-trainer resume {options.folder or 'RUN'}`", 130)
    except ConfigError as error:
        return _fail(error, str(error), 2)
    except (Or1TrainerError, Or1RolloutError, DataError, EvalError) as error:
        return _fail(error, str(error), 1)
    except Exception as error:
        report_error(error)  # only so that the launcher can show it; a bug keeps its traceback
        raise


def split_settings(arguments: Sequence[str], takes_value: dict[str, bool]) -> tuple[list[str], list[str]]:
    """The command's own arguments, and the settings (`--section.key value`) among them.

    `takes_value`: the command's own flags, and whether each has a value. Raises `ConfigError` for a setting without
    one, which may be a flag misspelt.
    """
    own: list[str] = []
    settings: list[str] = []
    items = iter(arguments)
    for item in items:
        flag = item.split("=", 1)[0]
        target = settings if flag.startswith("--") and flag not in takes_value else own
        target.append(item)
        if flag.startswith("--") and "=" not in item and takes_value.get(flag, True):
            value = list(islice(items, 1))
            if not value and target is settings:
                raise ConfigError(f"{flag} needs a value{did_you_mean(flag, takes_value)}")
            target.extend(value)
    return own, settings


def _flags(parsers: Sequence[argparse.ArgumentParser]) -> dict[str, bool]:
    """Every flag that a command declares -> whether it takes a value (argparse has no public list of them)."""
    actions = [action for parser in parsers for action in parser._actions]
    return {flag: action.nargs != 0 for action in actions for flag in action.option_strings}


def _fail(error: BaseException, message: str, code: int) -> int:
    report_error(error)
    is_told = under_launcher() and (code == 1 or (code == 2 and ERROR_FILE in os.environ))  # by who started the ranks
    if os.environ.get("RANK", "0") == "0" and not is_told:
        print(f"or1-trainer: {message}", file=sys.stderr)
    return code


def _parser() -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser, and those of its commands by name."""
    parser = argparse.ArgumentParser(
        prog="or1-trainer",
        description="Multi-stage GRPO with adaptive entropy (MAGIC) on Megatron-core, on a laptop CPU or a GPU node.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"or1-trainer {metadata.version('or1-trainer')}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for command in (train, results, models, plan, doctor, study):
        command.add(commands)
    return parser, dict(commands.choices)


if __name__ == "__main__":
    sys.exit(main())
