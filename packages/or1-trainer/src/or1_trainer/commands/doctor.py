"""`or1-trainer doctor [RECIPE]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from or1_trainer.commands.declare import Commands, declare
from or1_trainer.config.load import read_recipe, recipe_names, resolve
from or1_trainer.doctor.machine import State, check_machine
from or1_trainer.doctor.recipe import check_recipe


def add(commands: Commands) -> None:
    """Declare the command."""
    doctor = declare(
        commands,
        "doctor",
        _doctor,
        "check this machine, and what recipes need",
        more="""\
Checks versions, CUDA, collectives, vLLM, shared memory, disk, cache, ports and the layers of the code sandbox; for
each recipe also its model, problem files, engine, devices and disk. The exit code is 1 if the machine, or a recipe
given by name, lacks something. Settings (--section.key value) as for train.""",
        examples="""
            or1-trainer doctor
            or1-trainer doctor or1-7b --model.path DIR
            or1-trainer doctor --cuda                      on a GPU: computes there and on the CPU, and compares
        """,
        takes_settings=True,
    )
    doctor.add_argument("recipes", nargs="*", help=f"recipes or .toml files (default: {', '.join(recipe_names())})")
    doctor.add_argument("--cuda", action="store_true", help="run the checks that only a GPU can do, in minutes")
    doctor.add_argument("--runs", type=Path, default=Path("runs"), help="where run folders go (default runs)")


def _doctor(options: argparse.Namespace) -> int:
    if options.cuda:
        return _cuda()
    configs = [resolve(read_recipe(name), options.settings) for name in options.recipes or recipe_names()]
    results = check_machine(options.runs)
    print("\n".join(line for result in results for line in result.lines()))
    lacks_any = any(result.state is State.BAD for result in results)
    for config in configs:
        needs = check_recipe(config, options.runs)
        lacking = [result for result in needs if result.state is State.BAD]
        lacks_any = lacks_any or bool(lacking and options.recipes)
        print(f"\n{config.name}: {'can run here' if not lacking else f'{len(lacking)} requirements are not met'}")
        for result in needs if options.recipes else lacking:
            print("\n".join(result.lines()))
    return int(lacks_any)


def _cuda() -> int:
    """Print one table of what was measured on the GPU, against bounds."""
    import torch

    from or1_trainer.doctor.cuda import CHECKS, run_checks, table
    from or1_trainer.policy.parallel import start_runtime, stop_runtime

    here = start_runtime(tensor=1, device="cuda")
    try:
        rows = list(run_checks(here, CHECKS))
    finally:
        stop_runtime(here)
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}\n\n{table(rows)}")
    return int(not all(row.is_good for row in rows))
