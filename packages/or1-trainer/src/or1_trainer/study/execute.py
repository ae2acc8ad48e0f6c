"""Run what is missing, several runs at a time, each in a process of its own; what is there is skipped or resumed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from or1_trainer.errors import Or1TrainerError
from or1_trainer.launch import die_with_parent
from or1_trainer.study.runs import PlannedRun
from or1_trainer.study.stored import is_finished
from or1_trainer.train.run_folder import claim_run_folder

LOG = "run.log"


class StudyError(Or1TrainerError):
    """Runs of a study failed; the others went on, and starting the study again repeats only these."""


def execute(
    planned: Sequence[PlannedRun], root: Path, *, jobs: int, note: Callable[[str], None], devices: Sequence[str] = ()
) -> None:
    """Bring every planned run to its end, `jobs` at a time, in order.

    `devices`: the GPUs of each run that may go on at a time (`devices.slots`), which bounds `jobs`; empty on CPUs.

    Raises:
        StudyError: some run failed; its folder has the log. All others are finished first.
    """
    unique = {run.key: run for run in planned}
    waiting = [run for run in unique.values() if not is_finished(run.folder(root), run.config)]
    note(f"{len(unique)} runs, {len(unique) - len(waiting)} there already; {jobs} at a time in {root}")
    failed = _work_off(waiting, root, note, [*devices[:jobs]] or [""] * jobs)
    if failed:
        raise StudyError(
            f"{len(failed)} of {len(waiting)} runs failed; the first log: {failed[0].folder(root) / LOG}; "
            "start the study again to go on with them"
        )


def _work_off(waiting: list[PlannedRun], root: Path, note: Callable[[str], None], free: list[str]) -> list[PlannedRun]:
    """`free`: one entry for each run that may go on at a time, the GPUs it sees."""
    context = _context()
    going: dict[Any, tuple[ForkServerProcess, PlannedRun, float, str]] = {}
    failed: list[PlannedRun] = []
    queue = list(waiting)
    watched, held = context.Pipe(duplex=False)  # only this process has `held`: when it ends, the runs read the end
    try:
        while queue or going:
            while queue and free:
                run, device = queue.pop(0), free.pop(0)
                process = _start(context, run, root, device, watched)
                going[process.sentinel] = (process, run, time.monotonic(), device)
            for sentinel in wait(list(going)):
                process, run, began, device = going.pop(sentinel)
                free.append(device)
                process.join()
                failed += [] if is_finished(run.folder(root), run.config) else [run]
                word = "failed" if failed and failed[-1] is run else "done"
                left = len(queue) + len(going)
                note(f"{word}: {run.arm}, seed {run.seed} ({time.monotonic() - began:.0f} s); {left} left")
    finally:
        for process, *_ in going.values():
            process.terminate()
            process.join()
        watched.close()
        held.close()
    return failed


def _context() -> ForkServerContext:
    """Processes forked from one that has torch imported and nothing running: seconds saved on every run."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["or1_trainer.train.build"])
    return context


def _start(
    context: ForkServerContext, run: PlannedRun, root: Path, device: str, study: Connection
) -> ForkServerProcess:
    folder = run.folder(root)
    if not (folder / "config.toml").exists():
        shutil.rmtree(folder, ignore_errors=True)  # claimed by a launch that was killed before it began
        claim_run_folder(folder, run.config)
    with _one_thread():
        process = context.Process(target=train_folder, args=(str(folder), device, study), name=run.key)
        process.start()
    return process


def train_folder(folder: str, device: str, study: Connection) -> None:
    """`or1-trainer resume FOLDER` in this process, its words in the folder's log; it ends with the study's process."""
    from or1_trainer.cli import main

    die_with_parent()
    die_with_study(study)
    if device:
        os.environ["CUDA_VISIBLE_DEVICES"] = device
    with (Path(folder) / LOG).open("ab", buffering=0) as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    sys.exit(main(["resume", folder]))


def die_with_study(study: Connection) -> None:
    """End this process as soon as the other end of `study` is gone, so that the folder is free for the next start.

    The parent of a run is the fork server, which notices only after half a second that the study was killed.
    """

    def watch() -> None:
        with contextlib.suppress(EOFError):
            study.recv_bytes()  # nothing is ever sent
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True, name="study").start()


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Parallel runs share the cores: one OpenMP thread each, unless the user has said otherwise."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        yield
    finally:
        if before is None:
            del os.environ["OMP_NUM_THREADS"]
