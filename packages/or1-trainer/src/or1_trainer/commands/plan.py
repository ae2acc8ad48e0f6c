"""`or1-trainer plan RECIPE --gpus N` and `or1-trainer rehearse RECIPE --gpus N`: a recipe on GPUs that are not here."""

from __future__ import annotations

import argparse
import dataclasses
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from or1_trainer.commands.declare import Commands, declare
from or1_trainer.config.check import check
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.config.schema import RunConfig
from or1_trainer.errors import ConfigError
from or1_trainer.plan.frozen_models import not_counted
from or1_trainer.plan.gpus import gpu_named
from or1_trainer.plan.layout import Layout
from or1_trainer.plan.memory import most_tokens
from or1_trainer.plan.page import plan_text
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.shape import Shape
from or1_trainer.plan.stages import advice, obstacles, plan_stages
from or1_trainer.plan.step_time import Assumptions

if TYPE_CHECKING:
    from or1_trainer.rehearse.stages import Rehearsal


def add(commands: Commands) -> None:
    """Declare both commands."""
    plan = declare(
        commands,
        "plan",
        _plan,
        "estimate memory, tokens, FLOPs and time of a recipe on given GPUs",
        more="""\
Computed from the model shapes in this package or from the config.json in --model.path; needs neither weights nor GPU.
Says which tensor-parallel size fits, and lists what prevents the run (heads, GPUs, memory); the exit code is then 1.
docs/plan.md has the formulas and compares them with the times that Skywork-OR1 reports.""",
        examples="""
            or1-trainer plan or1-7b --gpus 32 --gpu h200
            or1-trainer plan or1-32b --gpus 64 --parallel.tensor 8 --mean-share 0.4 --json
        """,
        takes_settings=True,
    )
    _add_common(plan)
    for flag, default, help_text in (
        ("--mean-share", 0.5, "mean response length divided by the context"),
        ("--kept-share", 0.6, "fraction of groups that are trained on"),
        ("--utilization", 0.3, "FLOPs of the update divided by the peak"),
        ("--step-overhead-ms", 6.5, "engine overhead per decoding step"),
        ("--sequence-overhead-ms", 0.65, "engine overhead per sequence and decoding step"),
    ):
        plan.add_argument(flag, type=float, default=default, help=f"{help_text} (default {default})")

    rehearse = declare(
        commands,
        "rehearse",
        _rehearse,
        "trace a step of a GPU recipe without a GPU: memory, FLOPs, collectives, time",
        more="""\
Runs one update and one weight sync of every stage through the functions of a real run, on tensors without data and in a
process group that does nothing. Needs neither weights nor a GPU. The exit code is 1 if a stage does not fit, or if
something is wrong: a weight of another dtype, a tensor on the CPU, a missing collective, too many logits.
docs/plan.md says what is traced and what is assumed.""",
        examples="""
            or1-trainer rehearse or1-7b --gpus 32 --gpu h200
            or1-trainer rehearse or1-32b --gpus 64 --plot memory.svg
            or1-trainer rehearse or1-32b --gpus 8 --search
        """,
        takes_settings=True,
    )
    _add_common(rehearse)
    rehearse.add_argument("--rank", type=int, default=0, help="which GPU (default 0)")
    rehearse.add_argument("--prompt-tokens", type=int, default=1024, help="length of each prompt (default 1024)")
    rehearse.add_argument("--plot", type=Path, help="SVG file for the memory over the step of the largest stage")
    rehearse.add_argument("--search", action="store_true", help="compare layouts on the stage of the longest context")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("recipe", help="recipe or .toml file; settings (--section.key value) as for train")
    parser.add_argument("--gpus", type=int, required=True, help="total number of GPUs")
    parser.add_argument("--gpu", default="h200", help="a100, h100, h200, ... (default h200)")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")


def _read(options: argparse.Namespace) -> tuple[RunConfig, Layout]:
    """The recipe, and how it lies on the GPUs. Raises `ConfigError` where it does not."""
    config = resolve(read_recipe(options.recipe), options.settings)
    tensor = config.parallel.tensor
    if options.gpus < 1 or options.gpus % tensor:
        raise ConfigError(f"--gpus {options.gpus} is not a multiple of parallel.tensor = {tensor}; change one of them")
    check(config, options.gpus)
    return config, Layout(tensor=tensor, data=options.gpus // tensor)


def _plan(options: argparse.Namespace) -> int:
    config, layout = _read(options)
    gpu, shape, assumptions = gpu_named(options.gpu), Shape.of(model_config(config)), _assumptions(options)
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
    shares = {name: getattr(options, name) for name in ("mean_share", "kept_share", "utilization")}
    for name, share in shares.items():
        if not 0 < share <= 1:
            raise ConfigError(f"--{name.replace('_', '-')} must be in (0, 1], got {share}")
    overheads = {name: getattr(options, name) for name in ("step_overhead_ms", "sequence_overhead_ms")}
    return Assumptions(**shares, **overheads)


def _rehearse(options: argparse.Namespace) -> int:
    config, layout = _read(options)
    gpu = gpu_named(options.gpu)
    if not 0 <= options.rank < options.gpus:
        raise ConfigError(f"--gpus {options.gpus} has no --rank {options.rank}; ranks are counted from 0")
    warnings.filterwarnings("ignore", module=r"megatron\.|torch\.distributed")
    if options.search:
        from or1_trainer.rehearse.search import search, search_text
        from or1_trainer.rehearse.stages import room_gb

        found, room = search(config, gpu, gpus=options.gpus, prompt_tokens=options.prompt_tokens), room_gb(config, gpu)
        print(search_text(found, room))
        return int(not found[0].fits(room))
    from or1_trainer.rehearse.page import rehearsal_text
    from or1_trainer.rehearse.plot import plot
    from or1_trainer.rehearse.stages import rehearse

    stages = rehearse(config, gpu, gpus=options.gpus, rank=options.rank, prompt_tokens=options.prompt_tokens)
    if options.plot:
        largest = max(stages, key=lambda stage: stage.peak_gb)
        title = f"{config.name}, stage {largest.number}: one of {options.gpus} {gpu.name}, traced without a GPU"
        options.plot.write_text(plot(title, largest.traced, largest.room_gb))
    if options.json:
        print(json.dumps([_json(stage) for stage in stages], indent=1))
    else:
        print(rehearsal_text(config.name, gpu, layout, stages, not_counted(config)))
    return int(any(stage.findings or stage.peak_gb > stage.room_gb for stage in stages))


def _json(stage: Rehearsal) -> dict[str, object]:
    traced = stage.traced
    return {
        "stage": stage.number,
        "peak_gb": stage.peak_gb,
        "room_gb": stage.room_gb,
        "microbatches": stage.microbatches,
        "peaks": {
            phase: {"where": place, **dataclasses.asdict(p)} for phase, (place, p) in traced.phase_peaks().items()
        },
        "work": {phase: dataclasses.asdict(work) for phase, work in traced.work.items()},
        "collectives": [
            {**kind._asdict(), "count": c, "bytes": b, "s": s} for kind, (c, b, s) in traced.collectives.items()
        ],
        "findings": list(stage.findings),
        "remedies": list(stage.remedies),
    }
