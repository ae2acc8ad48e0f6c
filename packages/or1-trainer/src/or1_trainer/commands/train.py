"""`or1-trainer train RECIPE` and `or1-trainer resume RUN`, in this process or in worker processes that it starts."""

from __future__ import annotations

import argparse
import gc
import os
import sys
import textwrap
import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import tomli_w
from msgspec.structs import replace

from or1_trainer.commands.declare import Commands, declare
from or1_trainer.config.check import check
from or1_trainer.config.explain import fields_of
from or1_trainer.config.load import read_recipe, recipe_names, resolve
from or1_trainer.config.schema import RunConfig
from or1_trainer.dtypes import with_dtype
from or1_trainer.errors import ConfigError
from or1_trainer.launch import launch, under_launcher
from or1_trainer.plan.read_shape import model_config
from or1_trainer.toy.scale_down import changes, scaled_down
from or1_trainer.train.initial_policy import check_files, check_rows, check_start, missing_files, starting_policy
from or1_trainer.train.run_folder import await_run_folder, change_layout, claim_run_folder, read_config

DEFAULT_RECIPE = "smollm2"
"""What `or1-trainer` without a recipe trains."""


def add(commands: Commands) -> None:
    """Declare both commands."""
    train = declare(
        commands,
        "train",
        _train,
        "run a recipe (the default command)",
        more=f"""\
Any setting can be given as --section.key VALUE, where VALUE is a TOML literal or text; list items count from 0, as in
--stages.0.steps. The command line overrides the recipe, the recipe overrides the defaults. --dry-run prints all
settings. Sections, besides the list of stages:
{_sections()}.
The run folder contains config.toml, metrics.jsonl, checkpoints/, rollouts/, eval/, model/ and report.html.""",
        examples="""
            or1-trainer                                          SmolLM2-135M learns sums on this machine
            or1-trainer tiny                                     a small model that needs no download learns arithmetic
            or1-trainer train tiny --seed 3 --stages.0.steps 20
            or1-trainer train tiny --dry-run                     print all settings
            or1-trainer train tiny --nproc 2 --parallel.data 2   two processes
            or1-trainer train or1-7b --scale-down                all steps of a large recipe with a tiny model, on a CPU
            or1-trainer train or1-7b --model.path DIR --data.train '["math.jsonl"]' --data.heldout '["aime24.jsonl"]'
        """,
        takes_settings=True,
    )
    train.add_argument(
        "recipe",
        nargs="?",
        default=DEFAULT_RECIPE,
        help=f"{', '.join(recipe_names())}, or a .toml file (default {DEFAULT_RECIPE})",
    )
    train.add_argument(
        "--nproc", type=int, help="processes to start on this machine (default: parallel.tensor x parallel.data)"
    )
    train.add_argument(
        "--run-dir", dest="folder", type=Path, help="folder for this run (default: runs/NAME-001, runs/NAME-002, ...)"
    )
    train.add_argument("--dry-run", action="store_true", help="print all settings as TOML and exit")
    train.add_argument(
        "--scale-down", action="store_true", help="run the recipe with a tiny random model of the same family, on a CPU"
    )
    train.add_argument(
        "--profile",
        type=_steps,
        metavar="STEPS",
        help="write torch.profiler traces of these steps, such as 3,4, to trace/ in the run folder",
    )

    resume = declare(
        commands,
        "resume",
        _resume,
        "resume a run from its newest checkpoint",
        more="""\
The run gives the same numbers as one that was never stopped. A damaged checkpoint is reported and the one before it is
used. Only --parallel.* may change; the next step is then equal up to rounding, and sampled tokens may differ later.""",
        examples="""
            or1-trainer resume runs/tiny-001
            or1-trainer resume runs/tiny-001 --parallel.tensor 2 --nproc 2
        """,
        takes_settings=True,
    )
    resume.add_argument("folder", type=Path, help="run folder")
    resume.add_argument("--nproc", type=int, help="processes to start on this machine")
    resume.add_argument("--until", type=int, metavar="STEP", help="stop after this step, without report and export")


def _steps(text: str) -> list[int]:
    """`3,4` -> the steps; argparse reports a `ValueError`."""
    return [int(part) for part in text.split(",")]


def _sections() -> str:
    return textwrap.fill(", ".join(name for name, kind in fields_of(RunConfig).items() if fields_of(kind)), 110)


def _train(options: argparse.Namespace) -> int:
    overrides = options.settings
    if options.profile is not None:
        overrides = [*overrides, ("watch.profile_steps", options.profile)]
    config = (_scaled_down if options.scale_down else resolve)(read_recipe(options.recipe), overrides)
    config = with_dtype(config)
    nproc = _world_size(options.nproc, config)
    check(config, nproc)
    if options.dry_run:
        print(tomli_w.dumps(msgspec.to_builtins(config)), end="")
        for path in missing_files(config):
            print(f"not here yet: {path}", file=sys.stderr)
        return 0
    _check_here(config, nproc)
    if under_launcher() and options.folder is None:
        raise ConfigError("under torchrun all ranks must use the same run folder: give it with --run-dir")
    if os.environ.get("RANK", "0") == "0":
        options.folder = claim_run_folder(options.folder, config)
    else:
        await_run_folder(options.folder, config.parallel.timeout_s)
    if not under_launcher():  # before torch is imported, which takes seconds
        print(f"{config.name}: writing to {options.folder}", file=sys.stderr, flush=True)
    return _run(options.folder, nproc)


def _scaled_down(tree: Mapping[str, Any], overrides: Sequence[tuple[str, Any]]) -> RunConfig:
    """Scale the recipe down; settings of the command line are not scaled, they are meant for the small run."""
    from or1_trainer.toy.scaled_model import ensure_tiny_model

    whole = resolve(tree)
    small = resolve(msgspec.to_builtins(scaled_down(whole)), overrides)
    path = ensure_tiny_model(model_config(resolve(tree, overrides)))
    for line in changes(whole, small):
        print(f"scaled down: {line}", file=sys.stderr)
    return replace(small, model=replace(small.model, path=str(path)))


def _resume(options: argparse.Namespace) -> int:
    return resume(options.folder, options.settings, options.nproc, options.until)


def resume(
    folder: Path, overrides: Sequence[tuple[str, Any]] = (), nproc: int | None = None, until: int | None = None
) -> int:
    """Train a run folder from its newest checkpoint to its end, or until a step is done; return an exit code.

    Raises `ConfigError` where `overrides` has settings other than `parallel.*`.
    """
    config = read_config(folder)
    if others := [key for key, _ in overrides if not key.startswith("parallel.")]:
        raise ConfigError(
            "a run is resumed with its own settings; only --parallel.* may change; "
            f"unexpected: {', '.join(f'--{key}' for key in others)}"
        )
    if overrides:
        config = resolve(msgspec.to_builtins(config), overrides)
    nproc = _world_size(nproc, config)
    check(config, nproc)
    _check_here(config, nproc)
    if overrides:
        change_layout(folder, config)
    return _run(folder, nproc, until)


def _check_here(config: RunConfig, nproc: int) -> None:
    """Refuse what this machine lacks before a run folder is made; where ranks are started, broken rows too."""
    check_start(config)
    check_files(config)
    if _starts_ranks(nproc):
        check_rows(config)


def _starts_ranks(nproc: int) -> bool:
    return nproc > 1 and not under_launcher()


def _run(folder: Path, nproc: int, until: int | None = None) -> int:
    """Train in this process, or start `nproc` workers that do."""
    if _starts_ranks(nproc):
        starting_policy(read_config(folder))  # made once, before the ranks start and wait for each other
        stop = [] if until is None else ["--until", str(until)]
        return launch(["resume", str(folder), *stop], nproc, folder / "logs")
    warnings.filterwarnings("ignore", module=r"megatron\.")  # how it replaces Apex and Transformer Engine
    _run_folder()(folder, until)
    return 0


@cache
def _run_folder() -> Callable[[Path, int | None], None]:
    """Import what trains, without looking for garbage: torch, Megatron and transformers leave none.

    Looking takes a fifth of the import, and what was imported is never looked at again.
    """
    is_looking = gc.isenabled()
    gc.disable()
    try:
        from or1_trainer.train.build import run_folder

        gc.freeze()
    finally:
        if is_looking:
            gc.enable()
    return run_folder


def _world_size(nproc: int | None, config: RunConfig) -> int:
    if under_launcher():
        return int(os.environ["WORLD_SIZE"])
    return nproc or max(config.parallel.tensor, 1) * max(config.parallel.data, 1)
