"""TensorBoard and Weights & Biases beside `metrics.jsonl`: copies for those who watch many runs there.

The file stays the truth; a sink only repeats its numbers. Both packages are extras and load only when asked for. A
resumed run goes on in the same place: TensorBoard is told to drop the steps that are redone; Weights & Biases keeps the
first copy of a redone step, which is the same number by number (the resume is exact).
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from or1_trainer.errors import ConfigError
from or1_trainer.metrics.files import naming_path
from or1_trainer.metrics.log import Value

FOLDERS = {"tensorboard": "tensorboard", "wandb": "wandb"}


class Sink(Protocol):
    """Somewhere that rows go besides the metrics file."""

    def write(self, row: Mapping[str, Value]) -> None:
        """Take in one step's row."""

    def close(self) -> None:
        """Hand over whatever is still held back."""


class TensorBoardSink:
    """Event files in `RUN/tensorboard`; show them with `tensorboard --logdir RUN`."""

    def __init__(self, run_dir: Path, *, last_step: int = -1) -> None:
        """Open a new event file that replaces every step above `last_step`.

        Raises:
            ConfigError: the package is not installed.
            RunFolderError: the folder cannot be written.
        """
        _load("tensorboard", "tensorboard")
        from torch.utils.tensorboard import SummaryWriter

        self._folder = run_dir / FOLDERS["tensorboard"]
        with naming_path(self._folder, "write"):
            writer: Any = SummaryWriter  # torch's class has no annotations
            self._writer = writer(self._folder, purge_step=last_step + 1 if last_step >= 0 else None)

    def write(self, row: Mapping[str, Value]) -> None:
        """Add every number of the row as a scalar of its step."""
        with naming_path(self._folder, "write"):
            for key, value in _numbers(row).items():
                self._writer.add_scalar(key, value, int(row["step"]))

    def close(self) -> None:
        """Flush and close the event file."""
        with naming_path(self._folder, "write"):
            self._writer.close()


class WandbSink:
    """A Weights & Biases run in `RUN/wandb`; `WANDB_MODE=offline` keeps it there until `wandb sync`."""

    def __init__(self, run_dir: Path, *, last_step: int = -1) -> None:
        """Start the run, or go on with it: its id is the name of the run folder.

        Raises:
            ConfigError: the package is not installed, or it refuses to start (no login: say so or go offline).
        """
        wandb = _load("wandb", "wandb")
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

    def write(self, row: Mapping[str, Value]) -> None:
        """Log every number of the row at its step."""
        self._run.log(_numbers(row), step=int(row["step"]))

    def close(self) -> None:
        """Finish the run."""
        self._run.finish()


_KINDS: Mapping[str, Callable[..., Sink]] = {"tensorboard": TensorBoardSink, "wandb": WandbSink}


def open_sinks(names: Sequence[str], run_dir: Path, *, last_step: int = -1) -> list[Sink]:
    """Open the named sinks for a run whose steps up to `last_step` are already there (-1: none).

    Raises:
        ConfigError: a name that is no sink, or a package that is not installed.
        RunFolderError: the run folder cannot be written.
    """
    unknown = [name for name in names if name not in _KINDS]
    if unknown:
        raise ConfigError(f"watch.sinks: there is no {unknown[0]!r}; choose from {', '.join(_KINDS)}")
    return [_KINDS[name](run_dir, last_step=last_step) for name in names]


def _numbers(row: Mapping[str, Value]) -> dict[str, float]:
    """What a plot can show: finite numbers; both services take the others for an error or a gap."""
    pairs = ((key, value) for key, value in row.items() if key != "step" and not isinstance(value, str))
    return {key: float(value) for key, value in pairs if math.isfinite(value)}


def _load(package: str, extra: str) -> Any:  # a module without type information
    try:
        return importlib.import_module(package)
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"watch.sinks: package {error.name} is not installed; install or1-trainer[{extra}], or leave {extra!r} out"
        ) from error
