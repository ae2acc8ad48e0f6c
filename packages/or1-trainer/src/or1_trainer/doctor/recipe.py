"""Checks of what one recipe needs on this machine."""

from __future__ import annotations

from glob import has_magic
from pathlib import Path
from urllib.request import urlopen

from or1_trainer.config.schema import RunConfig
from or1_trainer.doctor.machine import GIB, disk, vllm
from or1_trainer.doctor.result import CheckResult, State
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
    return [_model(config), *_files(config), _engine(config), _devices(config), _disk(config, runs)]


def _model(config: RunConfig) -> CheckResult:
    path = config.model.path
    if not path:
        return CheckResult(name="model", state=State.GOOD, found="a warm start, made by the run and cached")
    if not (Path(path) / "config.json").is_file():
        advice = f"hf download {path} --local-dir DIR, then --model.path DIR"
        return CheckResult(name="model", state=State.BAD, found=f"no folder {path} with config.json", advice=advice)
    shards = list(Path(path).glob("*.safetensors"))
    state = State.GOOD if shards else State.BAD
    advice = "download the model again, or convert it to safetensors"
    return CheckResult(name="model", state=state, found=f"{path}: {len(shards)} safetensors files", advice=advice)


def _files(config: RunConfig) -> list[CheckResult]:
    found = []
    named = [source.path for source in config.data.sources]
    sources = [path for path in named if Path(path).suffix and not has_magic(path)]  # no hub sets, tasks, patterns
    heldout = [path for path in config.data.heldout if not path.startswith(HELDOUT)]
    for key, paths in (("data.train", config.data.train), ("data.sources", sources), ("data.heldout", heldout)):
        for path in paths:
            state = State.GOOD if Path(path).is_file() else State.BAD
            advice = f"write it with `or1-data run`, or set --{key}"
            found.append(CheckResult(name=key, state=state, found=path, advice=advice))
    if not found:
        found.append(CheckResult(name="data", state=State.GOOD, found="generated problems"))
    return found


def _engine(config: RunConfig) -> CheckResult:
    if config.rollout.engine == "transformers":
        return CheckResult(name="engine", state=State.GOOD, found="transformers, in the trainer's process")
    if config.rollout.engine == "vllm":
        here = vllm()
        state = State.GOOD if here.state is State.GOOD else State.BAD
        return CheckResult(name="engine", state=state, found=f"vllm: {here.found}", advice=here.advice)
    return _servers(config)


def _servers(config: RunConfig) -> CheckResult:
    down = []
    for url in config.rollout.servers:
        try:
            urlopen(f"{url}/health", timeout=5).close()
        except OSError as error:  # URLError is one
            down.append(f"{url} ({error})")
    state = State.BAD if down else State.GOOD
    found = f"not reachable: {', '.join(down)}" if down else f"{len(config.rollout.servers)} servers are reachable"
    return CheckResult(name="engine", state=state, found=found, advice="start them; docs/rollouts.md has the command")


def _devices(config: RunConfig) -> CheckResult:
    import torch

    here = torch.cuda.device_count() if config.device != "cpu" else 0
    wants_cuda = config.device == "cuda" or _parameters(config) > CPU_PARAMETERS
    need = max(config.parallel.tensor, 1) * max(config.parallel.data, 1)
    if not wants_cuda and not here:
        return CheckResult(name="devices", state=State.GOOD, found="CPU")
    state = State.GOOD if here >= need else State.BAD
    advice = "`or1-trainer plan` computes how many; --scale-down runs a tiny version on a CPU"
    return CheckResult(name="devices", state=state, found=f"{here} GPUs, at least {need} needed", advice=advice)


def _parameters(config: RunConfig) -> int:
    try:
        return Shape.of(model_config(config)).parameters
    except ConfigError:  # already reported by the check of the model
        return 0


def _disk(config: RunConfig, runs: Path) -> CheckResult:
    try:
        parameters = Shape.of(model_config(config)).parameters
    except ConfigError as error:
        return CheckResult(name="disk", state=State.BAD, found=str(error), advice="set --model.path DIR")
    kept = config.checkpoint.keep + config.checkpoint.keep_best + 1  # and the one being written
    return disk(runs, parameters * (CHECKPOINT_BYTES * kept + EXPORT_BYTES) / GIB)
