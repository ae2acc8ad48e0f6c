"""What one recipe misses on this machine."""

from __future__ import annotations

from pathlib import Path
from urllib.request import urlopen

from or1_trainer.config.schema import RunConfig
from or1_trainer.doctor.finding import Finding, State
from or1_trainer.doctor.machine import GIB, disk, vllm
from or1_trainer.errors import ConfigError
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.shape import Shape

CHECKPOINT_BYTES, EXPORT_BYTES = 14, 2
"""A parameter: bfloat16 weights with float32 master and moments; the exported model."""
CPU_PARAMETERS = 10**9
"""Larger models do train on a CPU, but not within anybody's lifetime."""


def needs(config: RunConfig, runs: Path) -> list[Finding]:
    """Model, problem files, engine, devices, disk: in this order."""
    return [_model(config), *_files(config), _engine(config), _devices(config), _disk(config, runs)]


def _model(config: RunConfig) -> Finding:
    path = config.model.path
    if not path:
        return Finding(name="model", state=State.GOOD, found="a warm start, made and cached by the run")
    if not (Path(path) / "config.json").is_file():
        advice = f"hf download {path} --local-dir DIR, then --model.path DIR"
        return Finding(name="model", state=State.BAD, found=f"{path} is no folder here", advice=advice)
    shards = list(Path(path).glob("*.safetensors"))
    state = State.GOOD if shards else State.BAD
    advice = "the folder has no safetensors: download it again, or convert it"
    return Finding(name="model", state=state, found=f"{path}: {len(shards)} safetensors files", advice=advice)


def _files(config: RunConfig) -> list[Finding]:
    found = []
    for key, paths in (("data.train", config.data.train), ("data.heldout", config.data.heldout)):
        for path in paths:
            state = State.GOOD if Path(path).is_file() else State.BAD
            advice = f"make it with `or1-data run`, or give --{key}"
            found.append(Finding(name=key, state=state, found=path, advice=advice))
    if not found:
        found.append(Finding(name="data", state=State.GOOD, found="generated sums"))
    return found


def _engine(config: RunConfig) -> Finding:
    if config.rollout.engine == "transformers":
        return Finding(name="engine", state=State.GOOD, found="embedded")
    if config.rollout.engine == "vllm":
        here = vllm()
        state = State.GOOD if here.state is State.GOOD else State.BAD
        return Finding(name="engine", state=state, found=f"vllm: {here.found}", advice=here.advice)
    return _servers(config)


def _servers(config: RunConfig) -> Finding:
    down = []
    for url in config.rollout.servers:
        try:
            urlopen(f"{url}/health", timeout=5).close()
        except OSError as error:  # URLError is one
            down.append(f"{url} ({error})")
    state = State.BAD if down else State.GOOD
    told = f"not up: {', '.join(down)}" if down else f"{len(config.rollout.servers)} servers are up"
    return Finding(name="engine", state=state, found=told, advice="start them: docs/rollouts.md has the command")


def _devices(config: RunConfig) -> Finding:
    import torch

    here = torch.cuda.device_count() if config.device != "cpu" else 0
    wants_cuda = config.device == "cuda" or _parameters(config) > CPU_PARAMETERS
    need = max(config.parallel.tensor, 1) * max(config.parallel.data, 1)
    if not wants_cuda and not here:
        return Finding(name="devices", state=State.GOOD, found="CPU")
    state = State.GOOD if here >= need else State.BAD
    advice = "`or1-trainer plan` says how many; --scale-down runs the recipe small on a CPU"
    return Finding(name="devices", state=state, found=f"{here} GPUs, {need} or more needed", advice=advice)


def _parameters(config: RunConfig) -> int:
    try:
        return Shape.of(model_config(config)).parameters
    except ConfigError:  # which the model's own finding tells
        return 0


def _disk(config: RunConfig, runs: Path) -> Finding:
    try:
        parameters = Shape.of(model_config(config)).parameters
    except ConfigError as error:
        return Finding(name="disk", state=State.BAD, found=str(error), advice="give --model.path DIR")
    kept = config.checkpoint.keep + config.checkpoint.keep_best + 1  # and the one being written
    return disk(runs, parameters * (CHECKPOINT_BYTES * kept + EXPORT_BYTES) / GIB)
