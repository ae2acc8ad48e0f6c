"""Checks of what one recipe needs on this machine."""

from __future__ import annotations

from glob import has_magic
from pathlib import Path
from urllib.request import urlopen

from or1_trainer.config.schema import DataSettings, RunConfig
from or1_trainer.doctor.machine import GIB, CheckResult, State, disk, required, vllm
from or1_trainer.errors import ConfigError
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.shape import Shape
from or1_trainer.rewards.gym import HELDOUT

CHECKPOINT_BYTES, EXPORT_BYTES = 14, 2
"""Per parameter: bfloat16 weights with float32 master weights and moments; the exported model."""
CPU_PARAMETERS = 10**9
"""Larger models train on a CPU, but too slowly to be useful."""


def check_recipe(config: RunConfig, runs: Path) -> list[CheckResult]:
    """Check model, problem files, engine, devices and disk, in this order."""
    try:
        parameters = Shape.of(model_config(config)).parameters
    except ConfigError as error:
        parameters = 0
        space = CheckResult("disk", str(error), "set --model.path DIR", State.BAD)
    else:
        kept = config.checkpoint.keep + config.checkpoint.keep_best + 1  # and the one being written
        space = disk(runs, parameters * (CHECKPOINT_BYTES * kept + EXPORT_BYTES) / GIB)
    return [_model(config.model.path), *_files(config.data), _engine(config), _devices(config, parameters), space]


def _model(path: str) -> CheckResult:
    if not path:
        return CheckResult("model", "a warm start, made by the run and cached")
    if not (Path(path) / "config.json").is_file():
        advice = f"hf download {path} --local-dir DIR, then --model.path DIR"
        return CheckResult("model", f"no folder {path} with config.json", advice, State.BAD)
    shards = list(Path(path).glob("*.safetensors"))
    advice = "download the model again, or convert it to safetensors"
    return required("model", bool(shards), f"{path}: {len(shards)} safetensors files", advice)


def _files(data: DataSettings) -> list[CheckResult]:
    named = [source.path for source in data.sources]
    sources = [path for path in named if Path(path).suffix and not has_magic(path)]  # no hub sets, tasks, patterns
    heldout = [path for path in data.heldout if not path.startswith(HELDOUT)]
    found = [
        required(key, Path(path).is_file(), path, f"write it with `or1-data run`, or set --{key}")
        for key, paths in (("data.train", data.train), ("data.sources", sources), ("data.heldout", heldout))
        for path in paths
    ]
    return found or [CheckResult("data", "generated problems")]


def _engine(config: RunConfig) -> CheckResult:
    if config.rollout.engine == "transformers":
        return CheckResult("engine", "transformers, in the trainer's process")
    if config.rollout.engine == "vllm":
        here = vllm()
        return required("engine", here.state is State.GOOD, f"vllm: {here.found}", here.advice)
    down = []
    for url in config.rollout.servers:
        try:
            urlopen(f"{url}/health", timeout=5).close()
        except OSError as error:  # URLError is one
            down.append(f"{url} ({error})")
    found = f"not reachable: {', '.join(down)}" if down else f"{len(config.rollout.servers)} servers are reachable"
    return required("engine", not down, found, "start them; docs/rollouts.md has the command")


def _devices(config: RunConfig, parameters: int) -> CheckResult:
    import torch

    here = torch.cuda.device_count() if config.device != "cpu" else 0
    wants_cuda = config.device == "cuda" or parameters > CPU_PARAMETERS
    if not wants_cuda and not here:
        return CheckResult("devices", "CPU")
    need = max(config.parallel.tensor, 1) * max(config.parallel.data, 1)
    advice = "`or1-trainer plan` computes how many; --scale-down runs a tiny version on a CPU"
    return required("devices", here >= need, f"{here} GPUs, at least {need} needed", advice)
