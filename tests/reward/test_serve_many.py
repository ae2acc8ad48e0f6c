"""Several grading servers behind one client, and SandboxFusion's addresses on one of them."""

import http.client
import json
import shutil
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from or1_reward.code import CodeSettings
from or1_reward.comparison import Compare
from or1_reward.ground_truth import GroundTruthError
from or1_reward.serve import RemoteGrader, RemoteGraders, Server, ServerConfig
from or1_reward.types import Limits, Status

ROW = {"inputs": ["1\n", "2\n"], "outputs": ["2\n", "3\n"]}
GOOD = "```python\nprint(int(input()) + 1)\n```"
SLOW = "```python\nimport time\ntime.sleep(0.5)\nprint(int(input()) + 1)\n```"


def started(port: int = 0) -> Server:
    made = Server(ServerConfig(port=port, workers=1, queue=4, shutdown_s=0.1))
    made.start()
    return made


def url(server: Server) -> str:
    return "http://{}:{}".format(*server.address)


@pytest.fixture
def pair() -> Iterator[list[Server]]:
    servers = [started(), started()]
    yield servers
    for server in servers:
        server.close()


def test_work_is_spread_over_the_servers(pair: list[Server]) -> None:
    graders = RemoteGraders([url(server) for server in pair])
    verdicts = graders.verify_many([(SLOW, ROW), (GOOD, ROW), ("\\boxed{4}", "4"), (SLOW, ROW)] * 2, workers=4)
    assert [verdict.status.value for verdict in verdicts] == ["correct"] * 8
    assert all(server.counts["judged"] >= 2 for server in pair)
    assert {health["status"] for health in graders.health().values()} == {"ok"}
    with pytest.raises(GroundTruthError, match="inputz"):
        graders.verify(GOOD, {"inputz": []})


def test_a_server_that_dies_loses_nothing_and_is_used_again_when_it_is_back(pair: list[Server]) -> None:
    dying, staying = pair
    graders = RemoteGraders([url(server) for server in pair])
    found: list[Any] = []
    work = threading.Thread(target=lambda: found.extend(graders.verify_many([(SLOW, ROW)] * 6, workers=4)))
    work.start()
    while not dying.counts["in_flight"]:
        time.sleep(0.01)
    port = dying.address[1]
    dying.close()
    work.join()
    assert [verdict.status.value for verdict in found] == ["correct"] * 6
    assert graders.health()[f"http://127.0.0.1:{port}"]["status"] == "away"
    pair[0] = started(port)
    deadline_s = time.monotonic() + 30
    while not pair[0].counts["judged"] and time.monotonic() < deadline_s:
        assert {v.status.value for v in graders.verify_many([(GOOD, ROW)] * 4, workers=4)} == {"correct"}
    assert pair[0].counts["judged"]
    assert staying.counts["judged"] >= 6


def test_a_busy_server_passes_the_work_on_and_none_at_all_is_a_failure_of_ours() -> None:
    nobody = RemoteGraders(["http://127.0.0.1:9", "http://127.0.0.1:10"], patience_s=1.0)
    started_s = time.monotonic()
    verdict = nobody.verify(GOOD, ROW)
    assert (verdict.status, verdict.reward) == (Status.VERIFIER_ERROR, None)
    assert "127.0.0.1" in verdict.detail
    assert time.monotonic() - started_s < 10
    with pytest.raises(ValueError, match="at least one"):
        RemoteGraders([])
    with pytest.raises(ValueError, match="must look like"):
        RemoteGraders(["grader:8711"])


def test_settings_travel(pair: list[Server]) -> None:
    settings = CodeSettings(compare=Compare(rule="tokens", tolerance=1e-3), partial_scores=True)
    row = {"inputs": ["", ""], "outputs": ["0.3333333", "7"]}
    for grader in (RemoteGrader(url(pair[0]), code=settings), RemoteGraders([url(pair[1])], code=settings)):
        verdict = grader.verify("```python\nprint(1 / 3)\n```", row)
        assert (verdict.status.value, verdict.reward) == ("wrong", 0.5)
        assert [test.status.value for test in verdict.tests] == ["correct", "wrong"]


# SandboxFusion


def post(server: Server, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection(*server.address, timeout=60)
    try:
        connection.request("POST", path, json.dumps(body))
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    made = started()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("code", "status", "run"),
    [
        ("print(input() + '!')", "Success", {"status": "Finished", "return_code": 0, "stdout": "hi!\n"}),
        ("import sys\nsys.exit(3)", "Failed", {"status": "Finished", "return_code": 3, "stdout": ""}),
        ("while True: pass", "Failed", {"status": "TimeLimitExceeded", "return_code": None}),
        ("1/0", "Failed", {"status": "Finished", "return_code": 1}),
    ],
)
def test_run_code(server: Server, code: str, status: str, run: dict[str, Any]) -> None:
    body = {"code": code, "language": "python", "stdin": "hi\n", "run_timeout": 0.5, "files": {}, "fetch_files": []}
    got, answer = post(server, "/run_code", body)
    assert (got, answer["status"], answer["compile_result"]) == (200, status, None)
    assert run.items() <= answer["run_result"].items()
    assert {"message", "files", "executor_pod_name"} <= answer.keys()


def test_run_code_says_what_it_cannot(server: Server) -> None:
    for body in ({"code": "x", "language": "java"}, {"code": "x", "language": "python", "files": {"a": "Yg=="}}):
        got, answer = post(server, "/run_code", body)
        assert (got, answer["status"]) == (200, "SandboxError")
        assert answer["message"]
    assert post(server, "/run_code", {"code": 5})[0] == 400
    assert post(server, "/run_code", {"code": "x", "run_timeout": -1})[0] == 400


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ on this machine")
def test_run_code_in_cpp(server: Server) -> None:
    good = post(server, "/run_code", {"code": '#include <cstdio>\nint main(){puts("x");}', "language": "cpp"})[1]
    assert (good["status"], good["compile_result"]["return_code"]) == ("Success", 0)
    assert good["run_result"]["stdout"] == "x\n"
    bad = post(server, "/run_code", {"code": "int main({", "language": "cpp"})[1]
    assert (bad["status"], bad["run_result"]) == ("Failed", None)
    assert "error" in bad["compile_result"]["stderr"]


def test_submit(server: Server) -> None:
    tests = [
        {"input": {"stdin": "1\n"}, "output": {"stdout": "2\n"}},
        {"input": {"stdin": "5\n"}, "output": {"stdout": "6\n"}},
    ]
    config = {"language": "python", "dataset_type": "CommonOJDataset", "provided_data": {"id": 1, "test": tests}}
    body = {"dataset": "x", "id": 1, "completion": GOOD, "config": config}
    got, answer = post(server, "/submit", body)
    assert (got, answer["accepted"], answer["id"], answer["extracted_type"]) == (200, True, 1, "fenced")
    assert answer["extracted_code"] == "print(int(input()) + 1)\n"
    wrong = post(server, "/submit", body | {"completion": "```python\nprint(2)\n```"})[1]
    assert [test["passed"] for test in wrong["tests"]] == [True, False]
    assert wrong["accepted"] is False
    assert wrong["tests"][1]["exec_info"]["run_result"]["stdout"] == "2\n"
    empty = post(server, "/submit", body | {"completion": "no code"})[1]
    assert (empty["accepted"], empty["extracted_type"]) == (False, "empty")
    truth = body | {"config": {"provided_data": ROW}}
    assert post(server, "/submit", truth)[1]["accepted"] is True
    assert post(server, "/submit", body | {"config": {}})[0] == 400
    assert post(server, "/submit", body | {"config": {"provided_data": {"foo": 1}}})[0] == 422


def test_limits_are_those_of_the_caller(server: Server) -> None:
    verdict = RemoteGrader(url(server)).verify(SLOW, ROW, limits=Limits(time_s=0.1))
    assert verdict.status is Status.TIME_LIMIT
