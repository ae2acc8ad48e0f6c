"""`or1-trainer`: train, resume, report, export, study."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path

import msgspec

from or1_data.errors import DataError
from or1_eval.errors import EvalError
from or1_rollout.errors import Or1RolloutError
from or1_trainer.config.check import check
from or1_trainer.config.load import parse_overrides, read_recipe, recipe_names, resolve
from or1_trainer.config.schema import RunConfig
from or1_trainer.errors import ConfigError, Or1TrainerError
from or1_trainer.launch import launch, report_error, stop_with_launcher, under_launcher

COMMANDS = ("train", "resume", "report", "export", "study")
WITH_VALUE = ("--nproc", "--run-dir", "--out", "--seeds", "--base", "--jobs", "--runs", "--book")
OWN_FLAGS = (*WITH_VALUE, "--dry-run", "--help", "--version")

EPILOG = """\
examples:
  or1-trainer                                      the tiny recipe on this machine: a warm start, then MAGIC
  or1-trainer --seed 3 --stages.0.steps 20         the same with settings changed
  or1-trainer --nproc 2 --parallel.tensor 2        two processes, the model split between them
  or1-trainer train my_recipe.toml --dry-run       print every setting as resolved, and stop
  or1-trainer resume runs/tiny-001                 go on from the newest whole checkpoint
  or1-trainer report runs/tiny-001 runs/tiny-002   one report.html over several runs
  or1-trainer export runs/tiny-001 model/          Hugging Face folder of the newest checkpoint
  or1-trainer study list                           the claims about entropy that can be put to the test
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 when done, 1 when the run failed, 2 for wrong usage, 130 when interrupted."""
    stop_with_launcher()
    given = list(sys.argv[1:] if arguments is None else arguments)
    if not given or (given[0] not in COMMANDS and given[0] not in ("-h", "--help", "--version")):
        given.insert(0, "train")
    own, rest = split_settings(given)
    options = _parser().parse_args(own)
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


def split_settings(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    """The command's own arguments, and the settings (`--section.key value`) among them."""
    own: list[str] = []
    settings: list[str] = []
    items = iter(arguments)
    for item in items:
        flag = item.split("=", 1)[0]
        if not flag.startswith("--") or flag in OWN_FLAGS:
            own.append(item)
            if flag in WITH_VALUE and "=" not in item:
                own += [value for value in [next(items, None)] if value is not None]
        else:
            settings.append(item)
            if "=" not in item:
                settings += [value for value in [next(items, None)] if value is not None]
    return own, settings


def _fail(error: BaseException, message: str, code: int) -> int:
    report_error(error)
    if os.environ.get("RANK", "0") == "0" and not (under_launcher() and code == 1):
        print(f"or1-trainer: {message}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="or1-trainer",
        description="Multi-stage GRPO with adaptive entropy (MAGIC) on Megatron-core, on a laptop CPU or a GPU node.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"or1-trainer {metadata.version('or1-trainer')}")
    commands = parser.add_subparsers(required=True, metavar="{train,resume,report,export,study}")

    train = commands.add_parser("train", help="run a recipe (the default command)", allow_abbrev=False)
    train.add_argument("recipe", nargs="?", default="tiny", help=f"{', '.join(recipe_names())}, or a .toml file")
    train.add_argument("--nproc", type=int, help="processes to start on this machine (default: what the layout needs)")
    train.add_argument("--run-dir", dest="folder", type=Path, help="folder of this run (default: runs/NAME-001, ...)")
    train.add_argument("--dry-run", action="store_true", help="print the resolved settings as TOML and stop")
    train.set_defaults(run=_train)

    resume = commands.add_parser("resume", help="go on with a run from its newest whole checkpoint", allow_abbrev=False)
    resume.add_argument("folder", type=Path, help="run folder")
    resume.add_argument("--nproc", type=int, help="processes to start on this machine")
    resume.set_defaults(run=_resume)

    report = commands.add_parser("report", help="draw report.html of one run, or of several over each other")
    report.add_argument("folders", type=Path, nargs="+", help="run folders")
    report.add_argument("-o", "--out", type=Path, help="file to write (default: report.html in the first folder)")
    report.set_defaults(run=_report, folder=None)

    export = commands.add_parser("export", help="write the newest checkpoint as a Hugging Face folder")
    export.add_argument("folder", type=Path, help="run folder")
    export.add_argument("out", type=Path, help="folder to write")
    export.set_defaults(run=_export)

    _add_study(commands)
    return parser


def _add_study(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    study = commands.add_parser(
        "study", help="put a claim to the test: arms, seeds, effect, verdict", allow_abbrev=False
    )
    study.add_argument("names", nargs="+", metavar="NAME", help="studies or .toml files; or: all, list, report")
    study.add_argument("--seeds", type=int, default=3, help="runs of every arm (default 3)")
    study.add_argument("--base", default="", help="recipe to run it on instead of the study's own")
    study.add_argument("--jobs", type=int, default=0, help="runs at a time, one thread each (default: every core)")
    study.add_argument("--runs", type=Path, default=Path("runs/studies"), help="where run folders go")
    study.add_argument("--book", type=Path, help="where stored metrics and pages go (default: docs/studies)")
    study.set_defaults(run=_study, folder=None)


def _train(options: argparse.Namespace, rest: Sequence[str]) -> int:
    config = resolve(read_recipe(options.recipe), parse_overrides(rest))
    nproc = _world_size(options.nproc, config)
    check(config, nproc)
    if options.dry_run:
        import tomli_w

        print(tomli_w.dumps(msgspec.to_builtins(config)), end="")
        return 0
    from or1_trainer.run.folder import await_run_folder, claim_run_folder

    if under_launcher() and options.folder is None:
        raise ConfigError("under torchrun the ranks need one folder between them: give it with --run-dir")
    if os.environ.get("RANK", "0") == "0":
        options.folder = claim_run_folder(options.folder, config)
    else:
        await_run_folder(options.folder, config.parallel.timeout_s)
    return _run(options.folder, nproc)


def _resume(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.run.folder import read_config

    if rest:
        raise ConfigError(f"a run is resumed with the settings it was started with; unexpected: {' '.join(rest)}")
    config = read_config(options.folder)
    nproc = _world_size(options.nproc, config)
    check(config, nproc)
    return _run(options.folder, nproc)


def _run(folder: Path, nproc: int) -> int:
    """In this process if it is the only one or a worker; else as launcher of workers that resume the folder."""
    if nproc > 1 and not under_launcher():
        from or1_trainer.run.assemble import prepare

        prepare(folder)
        return launch(["resume", str(folder)], nproc, folder / "logs")
    from or1_trainer.run.assemble import run_folder

    run_folder(folder)
    return 0


def _world_size(nproc: int | None, config: RunConfig) -> int:
    if under_launcher():
        return int(os.environ["WORLD_SIZE"])
    return nproc or max(config.parallel.tensor, 1) * max(config.parallel.data, 1)


def _report(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.watch.report import write_report

    _no_more(rest)
    out = options.out or options.folders[0] / "report.html"
    write_report(options.folders, out)
    print(out)
    return 0


def _export(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.run.assemble import export_folder

    _no_more(rest)
    export_folder(options.folder, options.out)
    print(options.out)
    return 0


def _study(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.study.command import BOOK, list_studies, report, run_study

    if options.names[0] in ("list", "report"):
        _no_more([*options.names[1:], *rest])
        return list_studies() if options.names[0] == "list" else report(options.book or BOOK)
    return run_study(
        options.names,
        rest,
        seeds=options.seeds,
        recipe=options.base,
        jobs=options.jobs,
        runs=options.runs,
        book=options.book,
    )


def _no_more(rest: Sequence[str]) -> None:
    if rest:
        raise ConfigError(f"unexpected: {' '.join(rest)}")


if __name__ == "__main__":
    sys.exit(main())
