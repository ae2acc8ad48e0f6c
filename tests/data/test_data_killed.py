"""Every stage killed with SIGKILL in the middle and run again: little is made twice, and the result is the same."""

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

ROWS, CHUNK = 256, 64
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

def slow(function):
    def each(problems, *args, **kwargs):
        def noted(rows):
            for row in rows:
                note(row.statement[:60])
                yield row
        return function(noted(problems), *args, **kwargs)
    return each

import or1_data.run.work as work
work.annotate_rules = slow(work.annotate_rules)
work.annotate_contamination = slow(work.annotate_contamination)
import or1_data.run.duplicates as duplicates
shingles = duplicates.shingles_of_texts
duplicates.shingles_of_texts = lambda texts, ngram: shingles((note(t[:60]) or t for t in texts), ngram)

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


def recipe_text(stage: str, folder: Path, workers: int, url: str) -> str:
    tables = {
        "rules": "",
        "dedup": "",
        "answers": '[answers]\nverifier = "hooks:verify"',
        "decontaminate": f'[decontaminate]\nbenchmarks = ["{folder / "bench.jsonl"}"]',
        "difficulty": '[difficulty]\nmodel = "m"\nattempts = 2\nsampler = "hooks:Sampler"\nverifier = "hooks:verify"',
        "judge": f'[judge]\nvotes = 1\n[[judge.endpoints]]\nurl = "{url}"\nmodel = "m"\nconcurrency = 4',
    }
    head = f'name = "t"\nchunk_rows = {CHUNK}\nworkers = {workers}\nstages = ["{stage}"]\n'
    return f'{head}[[source]]\npath = "{folder / "a.jsonl"}"\nadapter = "or1"\n{tables[stage]}\n'


CASES = [("rules", 4), ("answers", 4), ("dedup", 1), ("decontaminate", 4), ("difficulty", 1), ("judge", 1)]


@pytest.mark.parametrize(("stage", "workers"), CASES)
def test_killed_and_run_again(stage: str, workers: int, tmp_path: Path, judge: str) -> None:
    problems = [
        make_problem(words(n - n % 7 // 6), str(n % 5), ability="math", data_source=f"s{n % 2}") for n in range(ROWS)
    ]
    write_problems(tmp_path / "a.jsonl", problems)
    write_problems(tmp_path / "bench.jsonl", problems[:3])
    (tmp_path / "hooks.py").write_text(HOOKS)
    (tmp_path / "r.toml").write_text(recipe_text(stage, tmp_path, workers, judge))
    calls = tmp_path / "calls"
    clean = finish(tmp_path, "clean")
    needed = Counter(calls.read_text().splitlines())
    calls.unlink()
    kill_after(tmp_path, calls, needed.total() // 2)
    killed = finish(tmp_path, "run")
    twice = Counter(calls.read_text().splitlines()) - needed
    per_row = needed.total() / ROWS
    assert twice.total() <= CHUNK * per_row, f"{twice.total() / per_row:.0f} rows were made again"
    assert killed == clean


def start(folder: Path, out: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "CALLS": str(folder / "calls"), "PYTHONPATH": str(folder)}
    command = [sys.executable, str(folder / "hooks.py"), "run", str(folder / "r.toml"), "--out", str(folder / out)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def finish(folder: Path, out: str) -> dict[str, bytes]:
    _, errors = (process := start(folder, out)).communicate(timeout=120)
    assert process.returncode == 0, errors.decode()
    names = ["problems.jsonl", "dropped.jsonl", "set_aside.jsonl", "report.md"]
    return {name: (folder / out / name).read_bytes() for name in names}


def kill_after(folder: Path, calls: Path, more: int) -> None:
    """Run until `more` further rows were looked at, then kill; wait until nothing works any more."""

    def seen() -> int:
        return calls.read_bytes().count(b"\n") if calls.exists() else 0

    target, process, deadline = seen() + more, start(folder, "run"), time.monotonic() + 60
    while seen() < target and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)  # ends when the last worker has let go of the pipe: none outlives its parent
    assert process.returncode == -signal.SIGKILL, "the run was over before it could be killed"
    before = -1
    while seen() != before:
        before = seen()
        time.sleep(0.3)
