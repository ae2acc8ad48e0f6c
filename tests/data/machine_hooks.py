"""Verifier and sampler of runs whose workers are killed: each kills its own process once, as the memory killer would.

This file is copied into the folder of the run (`write_hooks`), where it finds what to do: `kill-verifier` holds the
ground truth at which to die, `kill-sampler` after how many prompts. Every attempt that is asked for is one line of
`asked-PID`.
"""

from __future__ import annotations

import hashlib
import os
import signal
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

NAME = "hooks_of_machines"
ROOM = Path(__file__).parent


def write_hooks(room: Path) -> None:
    """Put a copy of this file into a run's folder, as a module of the name `NAME`."""
    (room / f"{NAME}.py").write_text(Path(__file__).read_text())


def asked(room: Path) -> Counter[str]:
    """How often each attempt was asked for; forgotten then."""
    found = Counter(line for path in room.glob("asked-*") for line in path.read_text().splitlines())
    for path in room.glob("asked-*"):
        path.unlink()
    return found


def wants_to_die(name: str) -> str:
    """What the file says that asks for a death, else nothing."""
    try:
        return (ROOM / name).read_text()
    except FileNotFoundError:
        return ""


def die(name: str) -> None:
    """Kill this process, unless another one was faster."""
    try:
        (ROOM / name).rename(ROOM / f"{name}.done")
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)


def verify(response: str, ground_truth: str) -> SimpleNamespace:
    """Everything is right but what says that it is wrong."""
    if wants_to_die("kill-verifier") == ground_truth:
        die("kill-verifier")
    return SimpleNamespace(status="x", reward=float("wrong" not in response), extracted=response[:20])


class Sampler:
    """Every third attempt is right."""

    prompts = 0

    def sample(self, prompts, counts, first_attempts):
        """See `or1_data.difficulty.Sampler`."""
        Sampler.prompts += len(prompts)
        limit = wants_to_die("kill-sampler")
        if limit and Sampler.prompts > int(limit):
            die("kill-sampler")
        numbers = [range(first, first + count) for first, count in zip(first_attempts, counts, strict=True)]
        with (ROOM / f"asked-{os.getpid()}").open("a") as stream:
            for prompt, mine in zip(prompts, numbers, strict=True):
                key = hashlib.sha256(prompt[-1]["content"].encode()).hexdigest()[:16]
                stream.writelines(f"{number} {key}\n" for number in mine)
        return [["wrong" if number % 3 else "right" for number in mine] for mine in numbers]
