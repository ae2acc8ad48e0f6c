"""A thousand code verdicts under load, killers among them: every verdict right, nothing left behind.

    uv run benchmarks/code_stress.py [--verdicts 1000] [--kill-every 1.0]

Two workers keep both cores busy with honest and wrong programs, fork bombs, memory bombs, daemons and sleepers, while a
thread sends SIGKILL to a random process of a random worker (keeper, stand-by, template or test) every `--kill-every` s.
Prints the verdicts by kind, the wrong ones, and memory, processes, mounts and folders before and after.
"""

from __future__ import annotations

import argparse
import collections
import gc
import os
import platform
import random
import signal
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from or1_reward.code import judge_program
from or1_reward.ground_truth import StdioTruth
from or1_reward.sandbox import Sandbox, SandboxConfig
from or1_reward.sandbox.keeper.watch import descendants
from or1_reward.types import Limits, Status

FAILS = {Status.WRONG, Status.TIME_LIMIT, Status.MEMORY_LIMIT, Status.RUNTIME_ERROR}
KINDS = {
    "honest": ("print(int(input()) + 1)", {Status.CORRECT}),
    "honest, slow": ("import time\ntime.sleep(0.2)\nprint(int(input()) + 1)", {Status.CORRECT}),
    "honest, 100 MB": ("x = [1] * (100 << 17)\nprint(int(input()) + x[0])", {Status.CORRECT}),
    "wrong": ("print(int(input()))", {Status.WRONG}),
    "crash": ("print(1 / 0)", {Status.RUNTIME_ERROR}),
    "endless": ("while True: pass", {Status.TIME_LIMIT}),
    "fork bomb": ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", FAILS),
    "fork bomb, quiet": (
        "import os, time\nfor _ in range(99):\n    try:\n        if os.fork() == 0: time.sleep(99)\n    except OSError: break",
        FAILS,
    ),
    "memory bomb": ("x = []\nwhile True: x.append(bytearray(1 << 25))", {Status.MEMORY_LIMIT}),
    "memory bomb tree": (
        "import os, time\nfor _ in range(6): os.fork()\nx = bytearray(os.urandom(1 << 20)) * 100\ntime.sleep(9)",
        FAILS,
    ),
    "daemon": (
        "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(99)\nprint(int(input()) + 1)",
        {Status.CORRECT},
    ),
    "files": ("import os\nfor n in range(200): os.makedirs(f'a/{n}/b')\nprint(int(input()) + 1)", {Status.CORRECT}),
    "output bomb": ("while True: print('x' * 99999)", {Status.RUNTIME_ERROR}),
}


def memory_mb() -> float:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def state() -> dict[str, object]:
    """What must be the same before and after."""
    gc.collect()
    return {
        "memory_mb": round(memory_mb(), 1),
        "children": len(descendants(os.getpid())),
        "processes_of_the_machine": sum(path.name.isdigit() for path in Path("/proc").iterdir()),
        "open_files": len(list(Path("/proc/self/fd").iterdir())),
        "mounts": len(Path("/proc/self/mounts").read_text().splitlines()),
        "folders": len(list(Path(tempfile.gettempdir()).glob(f"or1-sandbox-*-{os.getpid()}-*"))),
    }


def kill_at_random(stop: threading.Event, every_s: float, kills: collections.Counter[str]) -> None:
    """SIGKILL to any process of any worker."""
    dice = random.Random(0)
    while not stop.wait(every_s):
        victims = descendants(os.getpid())
        if victims:
            victim = dice.choice(victims)
            try:
                command = Path(f"/proc/{victim}/cmdline").read_bytes()
                os.kill(victim, signal.SIGKILL)
            except (FileNotFoundError, ProcessLookupError):
                continue
            kills["keeper" if b"keeper.main" in command else "jail"] += 1


def main() -> None:
    """Run the load and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=1000)
    parser.add_argument("--kill-every", type=float, default=1.0)
    arguments = parser.parse_args()
    print(
        f"{time.strftime('%Y-%m-%d')}, {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, Linux {platform.release()}, uid {os.geteuid()}"
    )
    names = [list(KINDS)[number % len(KINDS)] for number in range(arguments.verdicts)]
    random.Random(1).shuffle(names)
    limits = Limits(time_s=1.0, memory_mb=256, processes=32, output_mb=8)
    with Sandbox(SandboxConfig(workers=2)) as warm:  # so that imports and threads are not counted as growth
        judge_program("print(1)", StdioTruth(("1",), ("1",)), sandbox=warm)
    before, started_s = state(), time.perf_counter()
    stop, kills = threading.Event(), collections.Counter[str]()
    with Sandbox(SandboxConfig(workers=2)) as sandbox:
        killer = threading.Thread(target=kill_at_random, args=(stop, arguments.kill_every, kills))
        killer.start()
        with ThreadPoolExecutor(2) as pool:
            verdicts = list(
                pool.map(
                    lambda name: judge_program(KINDS[name][0], StdioTruth(("1",), ("2",)), limits, sandbox=sandbox),
                    names,
                )
            )
        stop.set()
        killer.join()
    time.sleep(1.0)
    after = state()
    by_kind = {
        name: collections.Counter(v.status.value for v, n in zip(verdicts, names, strict=True) if n == name)
        for name in KINDS
    }
    for name, counted in by_kind.items():
        print(f"  {name:<17} {dict(counted)}")
    wrong = [
        (name, v.status.value, v.detail[:200])
        for v, name in zip(verdicts, names, strict=True)
        if v.status not in KINDS[name][1]
    ]
    errors = sum(v.status is Status.VERIFIER_ERROR for v in verdicts)
    print(
        f"{len(verdicts)} verdicts in {time.perf_counter() - started_s:.0f} s, {dict(kills)} killed: {len(wrong) - errors} wrong, {errors} verifier errors"
    )
    for row in wrong:
        print("  ", row)
    print(f"before {before}\nafter  {after}")


if __name__ == "__main__":
    main()
