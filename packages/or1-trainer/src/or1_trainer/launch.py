"""`--nproc N`: start N workers of this run on this machine, and report the error of the worker that failed first."""

from __future__ import annotations

import ctypes
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from or1_trainer.errors import WorkerError

ERROR_FILE = "OR1_ERROR_FILE"
"""Environment variable: the file in which a worker reports its error to the launcher."""

_TIMED_OUT = re.compile(r"timed out|time-?out", re.IGNORECASE)
"""How gloo and NCCL report that a peer did not answer."""

POLL_S = 0.05
GRACE_S = 10.0
"""How long the other workers may take to end after SIGTERM before they are killed."""


def under_launcher() -> bool:
    """Whether torchrun (or this launcher) started the process."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def launch(arguments: Sequence[str], nproc: int, log_dir: Path) -> int:
    """Run `or1-trainer ARGUMENTS` in `nproc` processes; return 0 when all of them succeed.

    Rank 0 keeps the terminal, the others write to `log_dir/rank_N.log`. Raises `WorkerError` with the error of the
    worker that failed first, not with the timeout that its peers ran into.
    """
    log_dir.mkdir(parents=True, exist_ok=True)
    for stale in log_dir.glob("error_*.json"):
        stale.unlink()
    port = _free_port()
    workers = [_start(arguments, rank, nproc, log_dir, port) for rank in range(nproc)]
    try:
        return _wait(workers, log_dir)
    finally:
        _stop(workers)


def report_error(error: BaseException) -> None:
    """Write this worker's error to the launcher's file; do nothing without a launcher."""
    if path := os.environ.get(ERROR_FILE):
        record = {"time": time.time(), "rank": int(os.environ["RANK"]), "message": str(error)}
        Path(path).write_text(json.dumps(record))


def _start(arguments: Sequence[str], rank: int, nproc: int, log_dir: Path, port: int) -> subprocess.Popen[bytes]:
    threads = max(1, (os.cpu_count() or 1) // nproc)
    environment = {
        **os.environ,
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(nproc),
        "LOCAL_WORLD_SIZE": str(nproc),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(threads)),
        ERROR_FILE: str(log_dir / f"error_{rank}.json"),
    }
    command = [sys.executable, "-m", "or1_trainer.cli", *arguments]
    if rank == 0:
        return subprocess.Popen(command, env=environment)
    with (log_dir / f"rank_{rank}.log").open("ab") as log:
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)


def _wait(workers: Sequence[subprocess.Popen[bytes]], log_dir: Path) -> int:
    while True:
        codes = [worker.poll() for worker in workers]
        if all(code == 0 for code in codes):
            return 0
        if any(code not in (None, 0) for code in codes):
            raise _first_error(workers, log_dir)
        time.sleep(POLL_S)


def _first_error(workers: Sequence[subprocess.Popen[bytes]], log_dir: Path) -> WorkerError:
    time.sleep(POLL_S * 4)  # workers that failed together write their files
    records = [json.loads(path.read_text()) for path in log_dir.glob("error_*.json")]
    if records:
        first = min(records, key=lambda record: record["time"])
        return WorkerError(f"rank {first['rank']}: {first['message']}{_hanging(workers, records, log_dir)}")
    rank, code = next((r, w.poll()) for r, w in enumerate(workers) if w.poll() not in (None, 0))
    cause = f"killed by signal {signal.Signals(-code).name}" if code is not None and code < 0 else f"exit code {code}"
    return WorkerError(f"rank {rank} exited without an error report ({cause}); its log: {log_dir / f'rank_{rank}.log'}")


def _hanging(workers: Sequence[subprocess.Popen[bytes]], records: Sequence[Mapping[str, Any]], log_dir: Path) -> str:
    """Name the ranks that still run and reported nothing, where another rank's collective timed out."""
    reported = {record["rank"] for record in records}
    silent = [rank for rank, worker in enumerate(workers) if rank not in reported and worker.poll() is None]
    if not silent or not any(_TIMED_OUT.search(str(record["message"])) for record in records):
        return ""
    logs = ", ".join(f"rank {rank}" + (f" ({log_dir / f'rank_{rank}.log'})" if rank else "") for rank in silent)
    return f"; it waited for {logs}, which hangs or needs longer than parallel.timeout_s"


def _stop(workers: Sequence[subprocess.Popen[bytes]]) -> None:
    deadline = time.monotonic() + GRACE_S
    for worker in workers:
        worker.terminate()
    for worker in workers:
        try:
            worker.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def die_with_parent() -> None:
    """Have the kernel send SIGKILL to this process when its parent ends (prctl(2), PR_SET_PDEATHSIG = 1)."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)
