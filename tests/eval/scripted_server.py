"""A scripted OpenAI-compatible server that knows some answers, and small tasks."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

NUM_PROBLEMS = 12


def knows(problem: int, seed: int) -> bool:
    """Whether the scripted model gets problem `problem` right with this seed: harder with the number."""
    draw = hashlib.sha256(f"{problem}:{seed}".encode()).digest()[0]
    return draw < 256 * (NUM_PROBLEMS - problem) / NUM_PROBLEMS


def answer(problem: int) -> int:
    """The answer of a scripted problem."""
    return 100 + problem


class ScriptedServer(ThreadingHTTPServer):
    """Answers `Problem N: ...`; `faults(n-th request)` may return a status to fail with, or "drop"."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.delay_s = 0.0
        self.token_ids = True
        self.refused: set[str] = set()
        self.faults: Callable[[int], int | str | None] = lambda n: None
        self.style: Callable[[int, int], dict[str, Any]] = lambda problem, seed: {}
        self.extra: dict[str, Any] = {}
        self.facts: dict[str, Any] = {}
        self.served: Counter[tuple[str, int]] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.count = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed is no news."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ScriptedServer

    def log_message(self, *_: Any) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._send(200, {"data": [{"id": "scripted"}]})
        else:
            self._send(200 if self.path in self.server.facts else 404, self.server.facts.get(self.path, {}))

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            server.count += 1
            number = server.count
            server.bodies.append(body)
        fault = server.faults(number)
        if fault == "drop":
            self.close_connection = True
            return
        if isinstance(fault, int):
            self._send(fault, {"error": {"message": "busy"}})
            return
        for name in server.refused:
            if name in body:
                self._send(400, {"error": {"message": f"Unrecognized request argument supplied: {name}"}})
                return
        time.sleep(server.delay_s)
        text = body["messages"][-1]["content"] if "messages" in body else body["prompt"]
        problem, seed = int(text.split()[1].rstrip(":")), body["seed"]
        reply = {"text": f"I think it is \\boxed{{{answer(problem) + (not knows(problem, seed))}}}.", "finish": "stop"}
        reply |= server.style(problem, seed)
        with server.lock:
            server.served[text, seed] += 1
        choice: dict[str, Any] = {"index": 0, "finish_reason": reply["finish"]}
        if "messages" in body:
            choice["message"] = {"role": "assistant", "content": reply["text"]} | reply.get("message", {})
        else:
            choice["text"] = reply["text"]
        if server.token_ids and body.get("return_token_ids"):
            choice["token_ids"] = list(reply["text"].encode())
        self._send(
            200, {"choices": [choice], "usage": {"completion_tokens": len(reply["text"].encode())}} | server.extra
        )

    def _send(self, status: int, value: Any) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    """A running scripted server."""
    scripted = ScriptedServer()
    thread = threading.Thread(target=scripted.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield scripted
    scripted.shutdown()
    scripted.server_close()
    thread.join()


@pytest.fixture
def problem_file(tmp_path: Path) -> Path:
    """The scripted server's problems with their answers."""
    path = tmp_path / "scripted.jsonl"
    rows = [
        {"id": f"p{n}", "problem": f"Problem {n}: how much?", "answer": str(answer(n))} for n in range(NUM_PROBLEMS)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path
