"""`or1-trainer rehearse RECIPE --gpus N --gpu h200`."""

from __future__ import annotations

import argparse
import dataclasses
import json
import warnings
from collections.abc import Sequence
from pathlib import Path

from or1_trainer.commands.declare import Commands, declare
from or1_trainer.config.check import check
from or1_trainer.config.load import parse_overrides, read_recipe, resolve
from or1_trainer.errors import ConfigError


def add(commands: Commands) -> None:
    """Declare the command."""
    rehearse = declare(
        commands,
        "rehearse",
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
    )
    rehearse.add_argument("recipe", help="recipe or .toml file; settings (--section.key value) as for train")
    rehearse.add_argument("--gpus", type=int, required=True, help="total number of GPUs")
    rehearse.add_argument("--gpu", default="h200", help="a100, h100, h200, ... (default h200)")
    rehearse.add_argument("--rank", type=int, default=0, help="which GPU (default 0)")
    rehearse.add_argument("--prompt-tokens", type=int, default=1024, help="length of each prompt (default 1024)")
    rehearse.add_argument("--plot", type=Path, help="SVG file for the memory over the step of the largest stage")
    rehearse.add_argument("--search", action="store_true", help="compare layouts on the stage of the longest context")
    rehearse.add_argument("--json", action="store_true", help="print the numbers as JSON")
    rehearse.set_defaults(run=_rehearse, folder=None)


def _rehearse(options: argparse.Namespace, rest: Sequence[str]) -> int:
    from or1_trainer.plan.gpus import gpu_named

    config = resolve(read_recipe(options.recipe), parse_overrides(rest))
    tensor, gpu = config.parallel.tensor, gpu_named(options.gpu)
    if options.gpus < 1 or options.gpus % tensor or not 0 <= options.rank < options.gpus:
        raise ConfigError(
            f"--gpus {options.gpus} is not a multiple of parallel.tensor = {tensor}, or has no --rank {options.rank}"
        )
    check(config, options.gpus)
    warnings.filterwarnings("ignore", module=r"megatron\.|torch\.distributed")
    if options.search:
        from or1_trainer.rehearse.search import search, search_text
        from or1_trainer.rehearse.stages import room_gb

        found, room = search(config, gpu, gpus=options.gpus, prompt_tokens=options.prompt_tokens), room_gb(config, gpu)
        print(search_text(found, room))
        return int(not found[0].fits(room))
    from or1_trainer.plan.layout import Layout
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
        from or1_trainer.plan.frozen_models import not_counted

        layout = Layout(tensor=tensor, data=options.gpus // tensor)
        print(rehearsal_text(config.name, gpu, layout, stages, not_counted(config)))
    return int(any(stage.findings or stage.peak_gb > stage.room_gb for stage in stages))


def _json(stage: object) -> dict[str, object]:
    from or1_trainer.rehearse.stages import Rehearsal

    assert isinstance(stage, Rehearsal)
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
