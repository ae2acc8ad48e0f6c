"""Execute the runs of studies, several at a time, each in its own process; finished runs are skipped."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from or1_trainer.errors import Or1TrainerError
from or1_trainer.launch import die_with_parent
from or1_trainer.study.run_summary import is_finished
from or1_trainer.study.runs import PlannedRun
from or1_trainer.train.run_folder import claim_run_folder

LOG = "run.log"

Train = Callable[[Path], int]
"""Trains a run folder to its end, from its newest checkpoint, and returns an exit code. A function that other
processes can import by its name."""


class StudyError(Or1TrainerError):
    """Runs of a study failed. All others were finished; starting the study again repeats only the failed ones."""


def execute(
    planned: Sequence[PlannedRun],
    root: Path,
    *,
    train: Train,
    jobs: int,
    note: Callable[[str], None],
    devices: Sequence[str] = (),
) -> None:
    """Finish every planned run below `root`, `jobs` at a time, in the given order; those with equal keys once.

    `note` is called with a line of progress at the end of each run. `devices` are the GPUs of each of the concurrent
    runs (`runs.gpu_groups`), which bounds `jobs`; empty on CPUs. Raises `StudyError` if a run failed.
    """
    unique = {run.key: run for run in planned}.values()
    waiting = [run for run in unique if not is_finished(run.folder(root), run.config)]
    note(f"{len(unique)} runs, {len(unique) - len(waiting)} of them finished; {jobs} at a time in {root}")
    failed = _execute_all(waiting, root, train, note, [*devices[:jobs]] or [""] * jobs)
    if failed:
        raise StudyError(
            f"{len(failed)} of {len(waiting)} runs failed; the first log: {failed[0].folder(root) / LOG}; "
            "start the study again to resume them"
        )


def _execute_all(
    waiting: list[PlannedRun], root: Path, train: Train, note: Callable[[str], None], free: list[str]
) -> list[PlannedRun]:
    """Return the runs that failed. `free`: the devices of each concurrent run."""
    threads = os.environ.get("OMP_NUM_THREADS")
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the runs, which share the cores; torch reads it in the server
    context = multiprocessing.get_context("forkserver")  # a server that has imported torch saves seconds per run
    context.set_forkserver_preload(["or1_trainer.train.build"])
    active: dict[Any, tuple[ForkServerProcess, PlannedRun, float, str]] = {}
    failed: list[PlannedRun] = []
    queue = list(waiting)
    alive, keep_alive = context.Pipe(duplex=False)  # only this process has `keep_alive`; it closes when this one ends
    try:
        while queue or active:
            while queue and free:
                run, device = queue.pop(0), free.pop(0)
                process = _start(context, run, root, train, device, alive)
                active[process.sentinel] = (process, run, time.monotonic(), device)
            for sentinel in wait(list(active)):
                process, run, started, device = active.pop(sentinel)
                free.append(device)
                process.join()
                is_done = is_finished(run.folder(root), run.config)
                if not is_done:
                    failed.append(run)
                else:  # it is never resumed, and a checkpoint is three times as large as its model
                    shutil.rmtree(run.folder(root) / "checkpoints", ignore_errors=True)
                seconds, left = time.monotonic() - started, len(queue) + len(active)
                note(f"{'done' if is_done else 'failed'}: {run.arm}, seed {run.seed} ({seconds:.0f} s); {left} left")
    finally:
        if threads is None:
            del os.environ["OMP_NUM_THREADS"]
        for process, *_ in active.values():
            process.terminate()
            process.join()
        alive.close()
        keep_alive.close()
    return failed


def _start(
    context: ForkServerContext, run: PlannedRun, root: Path, train: Train, device: str, alive: Connection
) -> ForkServerProcess:
    folder = run.folder(root)
    if not (folder / "config.toml").exists():
        shutil.rmtree(folder, ignore_errors=True)  # made by a process that was killed before it wrote the settings
        claim_run_folder(folder, run.config)
    process = context.Process(target=run_process, args=(train, folder, device, alive), name=run.key)
    process.start()
    return process


def run_process(train: Train, folder: Path, device: str, alive: Connection) -> None:
    """Train `folder` in this process, with its output in the folder's log; exit when the study's process ends."""
    die_with_parent()
    exit_when_closed(alive)
    if device:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    with (folder / LOG).open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.exit(train(folder))


def exit_when_closed(alive: Connection) -> None:
    """Kill this process as soon as the other end of `alive` is closed, so that a restarted study finds a free folder.

    The parent of a run is the fork server, which takes half a second to notice that the study was killed.
    """

    def watch() -> None:
        with contextlib.suppress(EOFError):
            alive.recv_bytes()  # nothing is ever sent
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="exit-with-study").start()
