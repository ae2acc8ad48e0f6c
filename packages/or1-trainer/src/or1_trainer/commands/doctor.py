"""`or1-trainer doctor [RECIPE]`: what this machine has, and what a recipe misses on it."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from or1_trainer.commands.shape import Commands, declare
from or1_trainer.config.load import parse_overrides, read_recipe, recipe_names, resolve


def add(commands: Commands) -> None:
    """Declare the command."""
    doctor = declare(
        commands,
        "doctor",
        "what this machine has, and what recipes miss on it",
        more="""\
Versions, CUDA, collectives, vLLM, shared memory, disk, cache, ports and the layers of the code sandbox; for each recipe
its model, problem files, engine, devices and disk. Exit code 1 when the machine or a recipe that was named lacks
something. Settings (--section.key value) as for train.""",
        examples="""
            or1-trainer doctor
            or1-trainer doctor or1-7b --model.path DIR
        """,
    )
    doctor.add_argument("recipes", nargs="*", help=f"recipes or .toml files (default: {', '.join(recipe_names())})")
    doctor.add_argument("--runs", type=Path, default=Path("runs"), help="where run folders would go (default runs)")
    doctor.set_defaults(run=_doctor, folder=None)


def _doctor(options: argparse.Namespace, rest: Sequence[str]) -> int:
    """0 when the machine, and every recipe that was named, has all it needs."""
    from or1_trainer.doctor.finding import State
    from or1_trainer.doctor.machine import machine
    from or1_trainer.doctor.recipe import needs

    configs = [resolve(read_recipe(name), parse_overrides(rest)) for name in options.recipes or recipe_names()]
    found = machine(options.runs)
    print("\n".join(line for finding in found for line in finding.lines()))
    is_bad = any(finding.state is State.BAD for finding in found)
    for config in configs:
        lacks = needs(config, options.runs)
        bad = [finding for finding in lacks if finding.state is State.BAD]
        is_bad = is_bad or bool(bad and options.recipes)
        print(f"\n{config.name}: {'can run here' if not bad else f'{len(bad)} things are missing'}")
        for finding in lacks if options.recipes else bad:
            print("\n".join(finding.lines()))
    return int(is_bad)
