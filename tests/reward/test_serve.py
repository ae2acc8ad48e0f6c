"""The grading server and its client, over a real socket; the command killed and asked to stop."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import or1_reward
from or1_reward.ground_truth import GroundTruthError
from or1_reward.sandbox.keeper.watch import descendants
from or1_reward.serve import RemoteGrader, Server, ServerConfig
from or1_reward.serve.wire import RequestError, request_from, verdict_from, verdict_to
from or1_reward.types import Limits, Status, TestResult, TestStatus, Verdict

ROW = {"inputs": ["1\n", "2\n"], "outputs": ["2\n", "3\n"]}
GOOD = "```python\nprint(int(input()) + 1)\n```"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = Server(ServerConfig(port=0, workers=2, queue=2, body_mb=2, socket_timeout_s=2.0, shutdown_s=2.0))
    made.start()
    yield made
    made.close()


def url(server: Server) -> str:
    host, port = server.address
    return f"http://{host}:{port}"


def post(server: Server, body: bytes, path: str = "/verify", headers: dict[str, str] | None = None) -> tuple[int, dict]:
    connection = http.client.HTTPConnection(*server.address, timeout=30)
    try:
        connection.request("POST", path, body, headers or {})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_verdicts_equal_the_local_ones(server: Server) -> None:
    remote = RemoteGrader(url(server))
    rows = [
        (GOOD, ROW),
        ("```python\nprint(2)\n```", ROW),
        ("no code", ROW),
        ("so \\boxed{42}", "42"),
        ("\\boxed{41}", "42"),
    ]
    verdicts = remote.verify_many(rows, workers=3)
    local = or1_reward.verify_many(rows)
    assert [(v.status, v.reward, v.extracted) for v in verdicts] == [(v.status, v.reward, v.extracted) for v in local]
    assert [v.status.value for v in verdicts] == ["correct", "wrong", "no_answer", "correct", "wrong"]
    assert [test.status for test in verdicts[1].tests] == [Status.CORRECT, Status.WRONG]
    assert remote.verify(GOOD, ROW, finish_reason="length").status is Status.TRUNCATED
    assert remote.verify("```python\nwhile True: pass\n```", ROW, limits=Limits(time_s=0.3)).status is Status.TIME_LIMIT


def test_a_row_that_cannot_be_graded_raises_like_the_local_verifier(server: Server) -> None:
    with pytest.raises(GroundTruthError, match="inputz"):
        RemoteGrader(url(server)).verify(GOOD, {"inputz": []})


def test_health(server: Server) -> None:
    health = RemoteGrader(url(server)).health()
    assert (health["http_status"], health["status"], health["workers"]) == (200, "ok", 2)
    assert health["layers"]["seccomp"].startswith("in force")


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"not json", 400, "not JSON"),
        (b"[]", 400, "object"),
        (b'{"response": "x"}', 400, "ground_truth"),
        (b'{"response": "x", "ground_truth": "1", "respnse": 1}', 400, "did you mean 'response'"),
        (b'{"response": "x", "ground_truth": "1", "limits": {"time_s": -1}}', 400, "time_s"),
        (b'{"response": "x", "ground_truth": {"foo": 1}}', 422, "foo"),
        (b"\xff\xfe", 400, ""),
        (b"[" * 100_000, 400, ""),
    ],
)
def test_bad_requests_are_told_what_is_wrong(server: Server, body: bytes, status: int, said: str) -> None:
    got, answer = post(server, body)
    assert got == status
    assert said in answer["error"]


def test_other_pages_and_large_bodies(server: Server) -> None:
    assert post(server, b"{}", "/other")[0] == 404
    assert post(server, b"x", headers={"Content-Length": str(3 << 20)})[0] == 413


def test_the_queue_is_bounded_and_a_caller_that_hangs_up_frees_its_place(server: Server) -> None:
    slow = json.dumps(
        {"response": "```python\nimport time\ntime.sleep(20)\n```", "ground_truth": ROW, "limits": {"time_s": 30}}
    ).encode()
    callers = []
    for _ in range(4):  # two at work, two waiting
        caller = http.client.HTTPConnection(*server.address, timeout=60)
        caller.request("POST", "/verify", slow)
        callers.append(caller)
    deadline_s = time.monotonic() + 10
    while server.health()["in_flight"] < 4 and time.monotonic() < deadline_s:
        time.sleep(0.02)
    status, answer = post(server, slow)
    assert (status, answer["error"]) == (503, "the queue is full; try again later")
    for caller in callers:
        caller.close()
    assert RemoteGrader(url(server), patience_s=20).verify(GOOD, ROW).status is Status.CORRECT


def test_the_client_waits_for_a_busy_server(server: Server) -> None:
    with ThreadPoolExecutor(12) as pool:
        verdicts = list(pool.map(lambda _: RemoteGrader(url(server)).verify(GOOD, ROW), range(24)))
    assert all(verdict.status is Status.CORRECT for verdict in verdicts)


def test_a_slow_sender_is_dropped(server: Server) -> None:
    with socket.create_connection(server.address, timeout=10) as link:
        link.sendall(b"POST /verify HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
        assert link.recv(1000) == b""
    assert server.health()["in_flight"] == 0


def test_no_server_is_a_verifier_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    verdict = RemoteGrader(f"http://127.0.0.1:{port}", patience_s=0.2).verify(GOOD, ROW)
    assert (verdict.status, verdict.reward) == (Status.VERIFIER_ERROR, None)


def test_a_token_is_demanded() -> None:
    guarded = Server(ServerConfig(port=0, workers=1, token="secret", shutdown_s=0.5))
    guarded.start()
    try:
        assert post(guarded, b"{}")[0] == 401
        assert RemoteGrader(url(guarded), token="wrong").verify(GOOD, ROW).status is Status.VERIFIER_ERROR
        assert RemoteGrader(url(guarded), token="secret").verify(GOOD, ROW).status is Status.CORRECT
    finally:
        guarded.close()


def test_closing_cancels_what_does_not_end() -> None:
    closing = Server(ServerConfig(port=0, workers=1, shutdown_s=0.3))
    closing.start()
    below = set(descendants(os.getpid()))
    slow = RemoteGrader(url(closing), patience_s=0.0)
    verdicts = []
    endless = "```python\nimport time\ntime.sleep(60)\n```"
    thread = threading.Thread(target=lambda: verdicts.append(slow.verify(endless, ROW, limits=Limits(time_s=60))))
    thread.start()
    while closing.health()["in_flight"] == 0:
        time.sleep(0.02)
    closing.close()
    thread.join(20)
    assert verdicts[0].status is Status.VERIFIER_ERROR
    assert len(set(descendants(os.getpid())) - below) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_the_command_ends_cleanly(number: signal.Signals) -> None:
    source = str(Path(or1_reward.__file__).parent.parent)
    command = [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {source!r}); from or1_reward.cli import main; sys.exit(main(sys.argv[1:]))",
    ]
    process = subprocess.Popen([*command, "serve", "--port", "0", "--workers", "1"], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    address = process.stdout.readline().split()[3]
    assert RemoteGrader(address).verify(GOOD, ROW).status is Status.CORRECT
    below = descendants(process.pid)
    assert below
    process.send_signal(number)
    code = process.wait(20)
    process.stdout.close()
    assert code == (0 if number != signal.SIGKILL else -signal.SIGKILL)
    deadline_s = time.monotonic() + 5
    while any(Path(f"/proc/{pid}").exists() for pid in below) and time.monotonic() < deadline_s:
        time.sleep(0.02)
    assert not any(Path(f"/proc/{pid}").exists() for pid in below)


def test_verdicts_survive_the_wire() -> None:
    test = TestResult(status=TestStatus.TIME_LIMIT, elapsed_s=1.5, input="x", limit="wall")
    verdict = Verdict(status=Status.TIME_LIMIT, extracted="p", detail="d", elapsed_s=2.0, tests=(test,))
    assert verdict_from(json.loads(json.dumps(verdict_to(verdict)))) == verdict
    with pytest.raises(RequestError, match="did you mean 'memory_mb'"):
        request_from({"response": "x", "ground_truth": "1", "limits": {"memry_mb": 5}})
