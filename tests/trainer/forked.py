"""Processes that are forked from one with torch, Megatron and transformers imported, one such server a test worker.

A run in a process of its own is what most tests here need, and starting Python with these imports costs more than the
run. The process is real: it has its own pid, environment and output, is killed by signals, and calls the same `main`.
In `test_launch.py` and `test_run_whole.py` some runs start with `--nproc` or torchrun, whose ranks are new Pythons.
"""

import functools
import multiprocessing
import os
import resource
import runpy
import signal
import socket
import subprocess
import sys
import tempfile
from multiprocessing import forkserver
from pathlib import Path
from unittest.mock import patch

WORKERS = Path(__file__).parent / "megatron_workers"
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["forked_imports"])


@functools.cache
def _outputs_folder():
    """Made by the parent alone, and gone with it: the processes import this module too."""
    return tempfile.TemporaryDirectory(prefix="or1-said-")


class Forked:
    """The part of `subprocess.Popen` that tests use. `file_bytes`: a write beyond it fails, as on a full disk."""

    _count = 0

    def __init__(self, target, *arguments, env, cwd=None, file_bytes=None):
        Forked._count += 1
        self._outputs = [Path(_outputs_folder().name) / f"{Forked._count}.{name}" for name in ("out", "err")]
        for path in self._outputs:
            path.touch()  # the process may be killed before it gets there
        threads = os.environ.setdefault("OMP_NUM_THREADS", "1")  # the server reads it when it imports torch
        _start_server()
        self._process = _CONTEXT.Process(
            target=_begin, args=(target, arguments, self._outputs, {**env, "OMP_NUM_THREADS": threads}, cwd, file_bytes)
        )
        self._process.start()
        self.pid = self._process.pid

    @property
    def returncode(self):
        return self._process.exitcode

    def poll(self):
        return self._process.exitcode

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self.returncode is None:
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return self.returncode

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        self.send_signal(signal.SIGKILL)

    @property
    def stdout(self):
        return self._outputs[0].read_text()

    @property
    def stderr(self):
        return self._outputs[1].read_text()


@functools.cache
def _start_server():
    """Started with this folder on its path, for `forked_imports`."""
    path = os.pathsep.join(filter(None, [str(Path(__file__).parent), os.environ.get("PYTHONPATH")]))
    with patch.dict(os.environ, PYTHONPATH=path):
        forkserver.ensure_running()


def _begin(target, arguments, outputs, env, cwd, file_bytes):
    from or1_trainer.launch import die_with_parent

    die_with_parent()  # pytest ends the server, also when it is killed
    for number, path in enumerate(outputs, start=1):
        with path.open("ab", buffering=0) as file:
            os.dup2(file.fileno(), number)
    os.environ.clear()
    os.environ.update(env)
    if cwd is not None:
        os.chdir(cwd)
    if file_bytes is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_bytes, file_bytes))
    target(*arguments)


def command_line(*arguments):
    """What `python -m or1_trainer.cli` does."""
    from or1_trainer.cli import main

    sys.exit(main(list(arguments)))


def torchrun(*arguments):
    """What `torchrun` does; the ranks that it starts are new Pythons."""
    from torch.distributed.run import main

    main(list(arguments))


def script(path):
    """What `python PATH` does."""
    sys.path.insert(0, str(Path(path).parent))
    runpy.run_path(path, run_name="__main__")


def rank_environments(ranks, **more):
    """The variables that torchrun gives to each of so many ranks on this machine."""
    world = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "WORLD_SIZE": str(ranks), **more}
    own = ({"RANK": str(rank), "LOCAL_RANK": str(rank), "LOCAL_WORLD_SIZE": str(ranks)} for rank in range(ranks))
    return [{**os.environ, **world, **numbers} for numbers in own]


def start_workers(worker, ranks, **more):
    """`megatron_workers/WORKER` in as many processes; `more` are further variables of their environment."""
    environments = rank_environments(ranks, OR1_TEST_SECOND_PORT=free_port(), **more)
    return [Forked(script, str(WORKERS / worker), env=environment) for environment in environments]


def run_workers(worker, ranks, timeout=240, **more):
    """The same to their end, which has to be a good one."""
    wait_all(start_workers(worker, ranks, **more), timeout)


def wait_all(processes, timeout=240):
    """All of them end well; what each said, where one does not."""
    try:
        codes = [process.wait(timeout) for process in processes]
    finally:
        for process in processes:
            process.kill()
    said = "\n----- next rank\n".join((process.stdout + process.stderr)[-3000:] for process in processes)
    assert codes == [0] * len(processes), said


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
