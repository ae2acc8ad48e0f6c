"""Every stage killed with SIGKILL and run again: little is made twice, and the result is the same.

The run goes on with another number of workers than it had.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from or1_data import make_problem, write_problems

ROWS, CHUNK = 192, 48
HOOKS = '''
"""Handed in by the recipe, or wrapped around a stage's own function: each row is written down, and takes its time."""
import os, sys, time

def note(text):
    with open(os.environ["CALLS"], "a") as stream:
        stream.write(text + "\\n")
    time.sleep(0.002)

def verify(response, ground_truth):
    note(str(ground_truth))
    return type("V", (), {"status": "correct", "reward": 1.0, "extracted": "1"})()

class Sampler:
    def sample(self, prompts, counts, first_attempts):
        return [["\\\\boxed{1}"] * count for count in counts]

def noted(rows):
    for row in rows:
        note(row.statement[:60])
        yield row

def slow(function):
    return lambda problems, *args, **kwargs: function(noted(problems), *args, **kwargs)

stage = os.environ["STAGE"]
if stage in ("rules", "decontaminate"):
    import or1_data.run.work as work
    work.annotate_rules = slow(work.annotate_rules)
    work.annotate_contamination = slow(work.annotate_contamination)
if stage == "dedup":
    import or1_data.run.duplicates as duplicates
    shingles = duplicates.shingles_and_numbers
    duplicates.shingles_and_numbers = lambda texts, ngram: shingles((note(t[:60]) or t for t in texts), ngram)
if stage == "read":
    import or1_data.run.reading as reading
    convert = reading._Reader._convert
    reading._Reader._convert = lambda self, chunk, bad: noted(convert(self, chunk, bad))
if stage == "judge":  # answers that the killed run was waiting for are asked for again after this time
    import or1_data.calls.store as store
    store._LOOK_AGAIN_S = 1.0
if stage == "select":  # first the rows as they are chosen, then the kept ones as they go into the table
    import or1_data.run.output as output
    read_parts, read_problems = output.read_parts, output.read_problems
    output.read_parts = lambda parts: noted(read_parts(parts))
    output.read_problems = lambda file: noted(read_problems(file))

from or1_data.cli import main
if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
'''


class Judge(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock, self.server.calls.open("a") as stream:
            stream.write(body["messages"][0]["content"].split("w", 1)[-1][:200].replace("\n", " ") + "\n")
        time.sleep(0.003)
        data = json.dumps({"choices": [{"message": {"content": "VERDICT: ACCEPT"}, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def judge(tmp_path: Path) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Judge)
    server.lock, server.calls = threading.Lock(), tmp_path / "calls"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    server.server_close()


def words(n: int) -> str:
    rng = random.Random(n)
    return f"Number {n}: " + " ".join(f"w{rng.randrange(9973)}" for _ in range(20))


def recipe_text(stage: str, folder: Path, url: str) -> str:
    tables = {
        "read": "",
        "rules": "",
        "dedup": "",
        "select": "",
        "answers": '[answers]\nverifier = "hooks:verify"',
        "decontaminate": f'[decontaminate]\nbenchmarks = ["{folder / "bench.jsonl"}"]',
        "difficulty": '[difficulty]\nmodel = "m"\nattempts = 2\nsampler = "hooks:Sampler"\nverifier = "hooks:verify"',
        "judge": f'[judge]\nvotes = 1\n[[judge.endpoints]]\nurl = "{url}"\nmodel = "m"\nconcurrency = 4',
    }
    stages = [] if stage in ("read", "select") else [stage]
    head = f'name = "t"\nchunk_rows = {CHUNK}\nstages = {stages}\n'
    return f'{head}[[source]]\npath = "{folder / "a.jsonl"}"\nadapter = "or1"\n{tables[stage]}\n'


@pytest.mark.parametrize(
    ("stage", "workers", "share"),
    [
        ("read", 1, 0.5),
        ("rules", 2, 0.5),
        ("answers", 2, 0.6),
        ("dedup", 1, 0.6),
        ("decontaminate", 2, 0.4),
        ("difficulty", 2, 0.5),
        ("judge", 2, 0.5),
        ("select", 1, 0.3),  # while rows are chosen
        ("select", 2, 0.8),  # while the table is written
    ],
)
def test_killed_and_run_again(stage: str, workers: int, share: float, tmp_path: Path, judge: str) -> None:
    problems = [
        make_problem(words(n - n % 7 // 6), str(n % 5), ability="math", data_source=f"s{n % 2}") for n in range(ROWS)
    ]
    write_problems(tmp_path / "a.jsonl", problems)
    write_problems(tmp_path / "bench.jsonl", problems[:3])
    (tmp_path / "hooks.py").write_text(HOOKS)
    (tmp_path / "r.toml").write_text(recipe_text(stage, tmp_path, judge))
    calls = tmp_path / "calls"
    clean = finish(tmp_path, stage, "clean", workers=1)
    needed = Counter(calls.read_text().splitlines())
    calls.unlink()
    kill_after(tmp_path, stage, calls, int(needed.total() * share), workers)
    killed = finish(tmp_path, stage, "run", workers=3 - workers)
    twice = Counter(calls.read_text().splitlines()) - needed
    per_row = needed.total() / ROWS
    if stage != "select":  # one pass without model calls, made again whole
        assert twice.total() <= CHUNK * per_row, f"{twice.total() / per_row:.0f} rows were made again"
    assert killed == clean
    assert not [path for path in (tmp_path / "run").rglob("*") if ".partial" in path.name]


def start(folder: Path, stage: str, out: str, workers: int) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "CALLS": str(folder / "calls"), "PYTHONPATH": str(folder), "STAGE": stage}
    command = [sys.executable, str(folder / "hooks.py"), "run", str(folder / "r.toml"), "--out", str(folder / out)]
    command += ["--workers", str(workers), "--set", f"store={folder / out}.calls"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(folder: Path, stage: str, out: str, workers: int) -> dict[str, bytes]:
    _, errors = (process := start(folder, stage, out, workers)).communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    names = ["problems.jsonl", "problems.parquet", "dropped.jsonl", "set_aside.jsonl", "report.md"]
    return {name: (folder / out / name).read_bytes() for name in names}


def kill_after(folder: Path, stage: str, calls: Path, more: int, workers: int) -> None:
    """Run until `more` further rows were looked at, then kill; wait until nothing works any more."""

    def seen() -> int:
        return calls.read_bytes().count(b"\n") if calls.exists() else 0

    target, process, deadline = seen() + more, start(folder, stage, "run", workers), time.monotonic() + 60
    while seen() < target and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)  # ends when the last worker has let go of the pipe: none outlives its parent
    assert process.returncode == -signal.SIGKILL, "the run was over before it could be killed"
    before = -1
    while seen() != before:
        before = seen()
        time.sleep(0.3)
