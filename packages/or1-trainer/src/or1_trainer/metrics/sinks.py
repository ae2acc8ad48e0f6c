"""Copies of the metrics for TensorBoard and Weights & Biases.

`metrics.jsonl` has all numbers; a sink only repeats them. Both packages are extras, imported only when used. A resumed
run continues in the same place: TensorBoard removes the steps that are repeated; Weights & Biases keeps the first copy
of a repeated step, which has the same numbers because the resume is exact.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from or1_trainer.errors import ConfigError
from or1_trainer.metrics.files import naming_path
from or1_trainer.metrics.log import Row


class TensorBoardSink:
    """Writes event files to `RUN/tensorboard`; view them with `tensorboard --logdir RUN`."""

    def __init__(self, run_dir: Path, *, last_step: int = -1) -> None:
        """Open a new event file that replaces all steps above `last_step`; for the errors see `open_sinks`."""
        _load("tensorboard")
        from torch.utils.tensorboard import SummaryWriter

        self._folder = run_dir / "tensorboard"
        with naming_path(self._folder, "write"):
            writer: Any = SummaryWriter  # torch's class has no annotations
            self._writer = writer(self._folder, purge_step=last_step + 1 if last_step >= 0 else None)

    def write(self, row: Row) -> None:
        """Add the numbers of the row as scalars of its step."""
        with naming_path(self._folder, "write"):
            for key, value in _numbers(row).items():
                self._writer.add_scalar(key, value, int(row["step"]))

    def close(self) -> None:
        """Flush and close the event file."""
        with naming_path(self._folder, "write"):
            self._writer.close()


class WandbSink:
    """Logs to Weights & Biases from `RUN/wandb`; with `WANDB_MODE=offline` it stays there until `wandb sync`."""

    def __init__(self, run_dir: Path, *, last_step: int = -1) -> None:
        """Start or resume the W&B run whose id is the name of the run folder; for the errors see `open_sinks`."""
        wandb = _load("wandb")
        try:
            self._run = wandb.init(
                project="or1",
                id=run_dir.resolve().name,
                name=run_dir.resolve().name,
                dir=str(run_dir),
                resume="allow",
                settings=wandb.Settings(console="off", quiet=True),
            )
        except wandb.errors.Error as error:
            raise ConfigError(
                f"Weights & Biases does not start ({error}); log in, or set WANDB_MODE=offline"
            ) from error

    def write(self, row: Row) -> None:
        """Log the numbers of the row at its step."""
        self._run.log(_numbers(row), step=int(row["step"]))

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


Sink: TypeAlias = TensorBoardSink | WandbSink
"""Receives the rows of the metrics file as well."""

_KINDS: Mapping[str, type[Sink]] = {"tensorboard": TensorBoardSink, "wandb": WandbSink}


def open_sinks(names: Sequence[str], run_dir: Path, *, last_step: int = -1) -> list[Sink]:
    """Open the named sinks for a run that has logged steps up to `last_step` (-1: none).

    Raises:
        ConfigError: the package of a sink is not installed, or W&B does not start, for example without login.
        RunFolderError: the run folder cannot be written.
    """
    return [_KINDS[name](run_dir, last_step=last_step) for name in names]


def _numbers(row: Row) -> dict[str, float]:
    """The finite numbers; both services reject others or show gaps."""
    pairs = ((key, value) for key, value in row.items() if key != "step" and not isinstance(value, str))
    return {key: float(value) for key, value in pairs if math.isfinite(value)}


def _load(name: str) -> Any:  # a module without type information
    """Import the package of a sink, which has the same name as the extra of or1-trainer and as the sink."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"watch.sinks: package {error.name} is not installed; install or1-trainer[{name}], or remove {name!r}"
        ) from error
