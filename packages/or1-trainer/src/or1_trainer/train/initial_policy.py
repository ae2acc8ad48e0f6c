"""What a run starts from, checked before it begins; and its first policy, made if it is the project's warm start."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from pathlib import Path

from or1_data import read_problems
from or1_data.errors import DataError
from or1_data.io.files import is_local
from or1_data.io.rows import SUFFIXES
from or1_data.schema import Problem
from or1_trainer.config.rewards import PythonReward
from or1_trainer.config.schema import RunConfig
from or1_trainer.errors import ConfigError
from or1_trainer.model_path import local_model
from or1_trainer.plan.layout import indivisible_sizes
from or1_trainer.plan.read_shape import model_config
from or1_trainer.plan.shape import Shape
from or1_trainer.rewards.python import load_function
from or1_trainer.toy.cache import is_made, warm_start_folder


def check_start(config: RunConfig) -> None:
    """Raise `ConfigError` for a model that is not here or cannot be cut as the layout says, or a missing function.

    Needs no torch: it stands before the run folder and before any process is started.
    """
    for reward in config.rewards:
        if isinstance(reward, PythonReward):
            load_function(reward.function)
    path = config.model.path
    if path and not is_made(local_model(path)):
        raise ConfigError(
            f"model.path = {path!r} is not a Hugging Face folder on this machine (config.json is missing) and not a "
            "GGUF file; download the model (hf download ID --local-dir DIR) and give --model.path DIR"
        )
    shape = Shape.of(model_config(config))
    sizes = {"parallel.tensor": config.parallel.tensor}
    if config.rollout.engine == "vllm":
        sizes["rollout.vllm.tensor"] = config.rollout.vllm.tensor
    for key, tensor in sizes.items():
        if wrong := indivisible_sizes(shape, tensor):
            fits = [size for size in range(1, shape.heads + 1) if not indivisible_sizes(shape, size)]
            raise ConfigError(f"{key} = {tensor} does not divide {', '.join(wrong)} of the model; choose from {fits}")


def check_files(config: RunConfig) -> None:
    """Raise `ConfigError` for files of problems that are not here; who only exports a run needs none."""
    if missing := missing_files(config):
        raise ConfigError(f"{', '.join(missing)}: no such file here ({Path.cwd()})")


def missing_files(config: RunConfig) -> list[str]:
    """Files of problems that the recipe names and that are not here; what has no ending of a file may be a hub set."""
    data = config.data
    paths = [*data.train, *data.heldout, *(source.path for source in data.sources)]
    return [path for path in paths if path.endswith(SUFFIXES) and not is_local(path)]


def check_rows(config: RunConfig) -> None:
    """Raise `ConfigError` for a broken row of a problem file on this machine; needs no torch.

    What ranks read in part, or by an adapter, is left to them.
    """
    for path in [*config.data.train, *config.data.heldout]:
        if is_local(path):
            deque(problems_in(path), maxlen=0)
    for source in config.data.sources:
        if source.path and source.adapter == "or1" and not source.max_problems and is_local(source.path):
            try:
                deque(read_problems(source.path), maxlen=0)
            except (DataError, OSError) as error:
                raise ConfigError(f"source {source.label!r}: {error}") from error


def problems_in(path: str) -> Iterator[Problem]:
    """The problems of a file in or1-data's row format. Raises `ConfigError` naming file and line of a broken row."""
    try:
        yield from read_problems(path)
    except (DataError, OSError) as error:
        raise ConfigError(f"{error}; `or1-data validate {path}` lists every broken row") from error


def starting_policy(config: RunConfig) -> Path:
    """Its Hugging Face folder; makes the warm start when the recipe wants it and the cache lacks it."""
    if config.model.path:
        return local_model(config.model.path)
    folder = warm_start_folder(config.warm_start)
    if is_made(folder):
        return folder
    from or1_trainer.live.view import LiveView
    from or1_trainer.toy.warm_start import ensure_warm_start

    with LiveView(sum(stage.steps for stage in config.stages)) as view:
        return ensure_warm_start(config.warm_start, view)
