"""`or1-reward serve`: POST /verify judges one response, GET /health says how the server is.

POST /run_code and /submit speak SandboxFusion's language.

A bounded queue: at most `workers` verdicts at work and `queue` waiting; beyond that the answer is 503 with Retry-After,
so that a burst neither eats the memory nor makes everybody time out. A caller that hangs up frees its place.
"""

from __future__ import annotations

import hmac
import json
import logging
import select
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

from or1_reward.code.languages import languages
from or1_reward.ground_truth import GroundTruthError
from or1_reward.sandbox import Sandbox, SandboxConfig
from or1_reward.serve.routes import PATHS, work_for
from or1_reward.serve.wire import RequestError

_log = logging.getLogger(__name__)
_POLL_S: Final = 0.1
_RETRY_AFTER_S: Final = 1
_PAGES: Final = f"there are GET /health and POST {', '.join(PATHS)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerConfig:
    """How the server listens and what it takes on."""

    host: str = "127.0.0.1"
    port: int = 8711
    workers: int = 1
    queue: int = 64
    body_mb: int = 64
    socket_timeout_s: float = 30.0
    shutdown_s: float = 10.0
    token: str = ""
    require: tuple[str, ...] = ()


class Server:
    """The grading server: `start` returns when it listens, `close` finishes what is at work and leaves nothing."""

    def __init__(self, config: ServerConfig) -> None:
        """Start the sandbox and bind the port.

        Raises:
            SandboxError: this host does not give the required layers.
            OSError: the address is taken.
        """
        self.config = config
        self.sandbox = Sandbox(SandboxConfig(workers=config.workers, require=config.require))
        self.layers = self.sandbox.layers
        self.places = threading.Semaphore(config.workers + config.queue)
        self.pool = ThreadPoolExecutor(config.workers, thread_name_prefix="or1-reward-serve")
        self.stopping = threading.Event()
        self.counts = {"in_flight": 0, "judged": 0, "refused": 0}
        self._lock = threading.Lock()
        try:
            self.http = _Http((config.host, config.port), _handler(self))
        except OSError:
            self.sandbox.close()
            raise
        self._thread = threading.Thread(
            target=self.http.serve_forever, args=(_POLL_S,), name="or1-reward-http", daemon=True
        )

    @property
    def address(self) -> tuple[str, int]:
        """Host and port that are listened on; useful with port 0."""
        return str(self.http.server_address[0]), int(self.http.server_address[1])

    def start(self) -> None:
        """Serve in a thread."""
        self._thread.start()

    def close(self) -> None:
        """Refuse new requests, give those at work `shutdown_s`, cancel the rest, end the jails."""
        self.stopping.set()
        deadline_s = time.monotonic() + self.config.shutdown_s
        while self.counts["in_flight"] and time.monotonic() < deadline_s:
            time.sleep(_POLL_S)
        self.http.cancel_all.set()
        self.http.shutdown()
        self._thread.join()
        self.pool.shutdown(wait=True, cancel_futures=True)
        self.http.server_close()
        self.sandbox.close()

    def count(self, name: str, step: int = 1) -> None:
        """Add to a counter of /health."""
        with self._lock:
            self.counts[name] += step

    def health(self) -> dict[str, Any]:
        """What /health answers."""
        state = "stopping" if self.stopping.is_set() else "ok"
        return {
            "status": state,
            "workers": self.config.workers,
            "queue": self.config.queue,
            **self.counts,
            "layers": self.layers,
            "languages": languages(),
        }


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        self.cancel_all = threading.Event()
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that breaks is the caller's business; say so at debug level only."""
        _log.debug("connection from %s failed", client_address, exc_info=True)


def _handler(server: Server) -> type[BaseHTTPRequestHandler]:  # noqa: C901 - methods of one class, each short
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = server.config.socket_timeout_s
        server_version = "or1-reward"

        def do_GET(self) -> None:
            if self.path != "/health":
                self._answer(404, {"error": f"no such page: {self.path}; {_PAGES}"})
                return
            self._answer(503 if server.stopping.is_set() else 200, server.health())

        def do_POST(self) -> None:
            refusal = self._refusal()
            if refusal is not None:
                self.close_connection = True  # the body stays unread
                self._answer(*refusal)
                return
            if not server.places.acquire(blocking=False):
                server.count("refused")
                self.close_connection = True
                self._answer(503, {"error": "the queue is full; try again later"})
                return
            try:
                self._work()
            finally:
                server.places.release()

        def _refusal(self) -> tuple[int, dict[str, Any]] | None:
            length = self.headers.get("Content-Length", "")
            given = self.headers.get("Authorization", "").encode()
            if self.path not in PATHS:
                return 404, {"error": f"no such page: {self.path}; {_PAGES}"}
            if server.config.token and not hmac.compare_digest(given, f"Bearer {server.config.token}".encode()):
                return 401, {"error": "this server needs its token: Authorization: Bearer ..."}
            if server.stopping.is_set():
                return 503, {"error": "the server is shutting down"}
            if not length.isdecimal():
                return 411, {"error": "Content-Length is missing"}
            if int(length) > server.config.body_mb << 20:
                return 413, {"error": f"the body is larger than {server.config.body_mb} MB"}
            return None

        def _work(self) -> None:
            cancel = threading.Event()
            try:
                work = work_for(self.path, self._body(), server.sandbox)
                server.count("in_flight")
                try:
                    answer = self._await(server.pool.submit(work, cancel), cancel)
                finally:
                    server.count("in_flight", -1)
            except GroundTruthError as error:
                self._answer(422, {"error": str(error)})
            except RequestError as error:
                self._answer(400, {"error": str(error)})
            else:
                if answer is not None:
                    server.count("judged")
                    self._answer(200, answer)

        def _body(self) -> Any:
            try:
                return json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            except (ValueError, RecursionError) as error:
                raise RequestError(f"the body is not JSON: {error}") from error

        def _await(self, job: Future[dict[str, Any]], cancel: threading.Event) -> dict[str, Any] | None:
            """Wait for the answer; give it up when the caller has hung up or the server ends."""
            while True:
                try:
                    return job.result(_POLL_S)
                except FutureTimeoutError:
                    if self._caller_is_gone() or server.http.cancel_all.is_set():
                        cancel.set()
                        job.cancel()
                        self.close_connection = True
                        return None

        def _caller_is_gone(self) -> bool:
            readable, _, _ = select.select([self.connection], [], [], 0)
            try:
                return bool(readable) and self.connection.recv(1, socket.MSG_PEEK) == b""
            except OSError:
                return True

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            if status == 503:
                self.send_header("Retry-After", str(_RETRY_AFTER_S))
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: Any) -> None:
            _log.debug(format, *args)

    return Handler
