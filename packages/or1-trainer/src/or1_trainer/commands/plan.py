"""`or1-trainer plan RECIPE --gpus N --gpu h200`."""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from or1_trainer.commands.declare import Commands, declare
from or1_trainer.config.check import check
from or1_trainer.config.load import parse_overrides, read_recipe, resolve
from or1_trainer.errors import ConfigError

if TYPE_CHECKING:
    from or1_trainer.plan.stages import Assumptions


def add(commands: Commands) -> None:
    """Declare the command."""
    plan = declare(
        commands,
        "plan",
        "estimate memory, tokens, FLOPs and time of a recipe on given GPUs",
        more="""\
Computed from the model shapes in this package or from the config.json in --model.path; needs neither weights nor GPU.
Says which tensor-parallel size fits, and lists what prevents the run (heads, GPUs, memory); the exit code is then 1.
docs/plan.md has the formulas and compares them with the times that Skywork-OR1 reports.""",
        examples="""
            or1-trainer plan or1-7b --gpus 32 --gpu h200
            or1-trainer plan or1-32b --gpus 64 --parallel.tensor 8 --mean-share 0.4 --json
        """,
    )
    plan.add_argument("recipe", help="recipe or .toml file; settings (--section.key value) as for train")
    plan.add_argument("--gpus", type=int, required=True, help="total number of GPUs")
    plan.add_argument("--gpu", default="h200", help="a100, h100, h200, ... (default h200)")
    plan.add_argument(
        "--mean-share", type=float, default=0.5, help="mean response length divided by the context (default 0.5)"
    )
    plan.add_argument(
        "--kept-share", type=float, default=0.6, help="fraction of groups that are trained on (default 0.6)"
    )
    plan.add_argument(
        "--utilization", type=float, default=0.3, help="FLOPs of the update divided by the peak (default 0.3)"
    )
    plan.add_argument(
        "--step-overhead-ms", type=float, default=6.5, help="engine overhead per decoding step (default 6.5)"
    )
    plan.add_argument(
        "--sequence-overhead-ms",
        type=float,
        default=0.65,
        help="engine overhead per sequence and decoding step (default 0.65)",
    )
    plan.add_argument("--json", action="store_true", help="print the numbers as JSON")
    plan.set_defaults(run=_plan, folder=None)


def _plan(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.plan.frozen_models import not_counted
    from or1_trainer.plan.gpus import gpu_named
    from or1_trainer.plan.layout import Layout
    from or1_trainer.plan.memory import most_tokens
    from or1_trainer.plan.page import plan_text
    from or1_trainer.plan.read_shape import model_config
    from or1_trainer.plan.shape import Shape
    from or1_trainer.plan.stages import advice, obstacles, plan_stages

    config = resolve(read_recipe(options.recipe), parse_overrides(rest))
    tensor = config.parallel.tensor
    if options.gpus < 1 or options.gpus % tensor:
        raise ConfigError(f"--gpus {options.gpus} is not a multiple of parallel.tensor = {tensor}; change one of them")
    check(config, options.gpus)
    gpu, shape, assumptions = gpu_named(options.gpu), Shape.of(model_config(config)), _assumptions(options)
    layout = Layout(tensor=tensor, data=options.gpus // tensor)
    plans = plan_stages(shape, config, gpu, layout, assumptions)
    found = obstacles(shape, config, gpu, layout, plans)
    if options.json:
        stages = [{**dataclasses.asdict(plan), "step_s": plan.step_s, "hours": plan.hours} for plan in plans]
        print(json.dumps({"parameters": shape.parameters, "stages": stages, "obstacles": found}, indent=1))
    else:
        advised = advice(shape, config, gpu, options.gpus, assumptions)
        print(plan_text(config.name, shape, gpu, layout, plans, found, advised, assumptions))
        longest = most_tokens(shape, config, layout, gpu)
        for line in not_counted(config):
            print(f"not counted: {line}")
        print(f"\nlongest sequence, prompt included, whose training fits in this layout: {longest:,} tokens")
    return 1 if found else 0


def _assumptions(options: argparse.Namespace) -> Assumptions:
    from or1_trainer.plan.rollout_time import Overheads
    from or1_trainer.plan.stages import Assumptions

    shares = {name: getattr(options, name) for name in ("mean_share", "kept_share", "utilization")}
    for name, share in shares.items():
        if not 0 < share <= 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be in (0, 1], got {share}")
    overheads = Overheads(step_ms=options.step_overhead_ms, sequence_ms=options.sequence_overhead_ms)
    return Assumptions(**shares, overheads=overheads)
