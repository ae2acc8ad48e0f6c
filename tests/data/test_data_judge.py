"""Judges over a real loopback server that fails, limits and answers nonsense on the way."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from or1_data import ConfigError, make_problem
from or1_data.difficulty.sampler import EndpointSampler
from or1_data.endpoint import EndpointSettings
from or1_data.errors import EndpointError
from or1_data.judge import JudgeSettings, annotate_votes
from or1_data.judge.stage import read_vote
from or1_data.select import SelectSettings, reasons


class Judge(ThreadingHTTPServer):
    """Accepts statements with GOOD in them two times out of three, by seed; every fifth request fails first."""

    daemon_threads = True
    answer = staticmethod(lambda body: f"VERDICT: {'ACCEPT' if 'GOOD' in body['messages'][0]['content'] else 'REJECT'}")
    fail_every = 0
    status = 503

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[dict] = []
        self.requests = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        with self.server.lock:
            self.server.requests += 1
            failing = self.server.fail_every and self.server.requests % self.server.fail_every == 0
            if not failing:
                self.server.bodies.append(body)
        status = self.server.status if failing else 200
        reply = json.dumps({"choices": [{"message": {"content": self.server.answer(body)}}]}).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(reply)))
        if failing and status == 429:
            self.send_header("retry-after", "0.01")
        self.end_headers()
        self.wfile.write(reply)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Judge]:
    judge = Judge()
    thread = threading.Thread(target=judge.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield judge
    judge.shutdown()
    judge.server_close()
    thread.join()


def problem(statement: str):
    return make_problem(statement, "1", ability="math", data_source="s")


def settings(server: Judge, **kwargs) -> JudgeSettings:
    return JudgeSettings(
        endpoints=tuple(EndpointSettings(url=server.url, model=name, **kwargs) for name in ("one", "two"))
    )


def test_two_models_vote_sixteen_times_and_every_vote_is_stored(server: Judge) -> None:
    good, bad = annotate_votes([problem("A GOOD problem?"), problem("A broken one?")], settings(server))
    assert good.notes["judge"] == {"votes": {"one": "A" * 16, "two": "A" * 16}, "accepted": 32, "asked": 32}
    assert bad.notes["judge"]["accepted"] == 0
    assert len(server.bodies) == 64
    assert len({body["seed"] for body in server.bodies if "GOOD" in str(body) and body["model"] == "one"}) == 16
    assert sum("A broken one?" in body["messages"][0]["content"] for body in server.bodies) == 32
    select = SelectSettings(rules=(), min_votes=9)
    assert (reasons(good, select), reasons(bad, select)) == ([], ["judge:votes"])


@pytest.mark.parametrize("status", [503, 429])
def test_failures_on_the_way_are_tried_again(server: Judge, status: int) -> None:
    server.fail_every, server.status = 9, status
    noted = next(annotate_votes([problem("A GOOD problem?")], settings(server, concurrency=4)))
    assert noted.notes["judge"]["accepted"] == 32 and server.requests > 32


def test_votes_that_are_there_are_not_asked_for_again(server: Judge) -> None:
    first = problem("A GOOD one").with_note("judge", {"votes": {"one": "R" * 10}})
    noted = next(annotate_votes([first], settings(server)))
    assert noted.notes["judge"]["votes"] == {"one": "R" * 10 + "A" * 6, "two": "A" * 16} and server.requests == 22


def test_a_server_that_refuses_is_an_error_with_its_words(server: Judge) -> None:
    server.fail_every, server.status = 1, 401
    with pytest.raises(EndpointError, match="401"):
        list(annotate_votes([problem("A GOOD one")], settings(server)))
    server.status = 500
    with pytest.raises(EndpointError, match="after 2 tries"):
        list(annotate_votes([problem("A GOOD one")], settings(server, retries=1)))


def test_the_sampler_draws_each_attempt_with_a_seed_of_its_own(server: Judge) -> None:
    sampler = EndpointSampler(EndpointSettings(url=server.url, model="m"), seed=3)
    texts = sampler.sample([[{"role": "user", "content": "GOOD"}], [{"role": "user", "content": "x"}]], [2, 3], [0, 4])
    assert [len(group) for group in texts] == [2, 3] and texts[0][0] == "VERDICT: ACCEPT"
    assert sorted(b["seed"] - 3 * 1_000_003 for b in server.bodies) == [0, 1, 4, 5, 6]


def test_unreadable_votes_and_settings() -> None:
    assert [
        read_vote(t) for t in ("VERDICT: ACCEPT", "**VERDICT: reject**", "maybe", "VERDICT: ACCEPT no, VERDICT: REJECT")
    ] == list("AR?R")
    with pytest.raises(ConfigError):
        EndpointSettings(url="localhost", model="m")
    with pytest.raises(ConfigError, match="OR1_NO_SUCH_KEY"):
        end = EndpointSettings(url="http://127.0.0.1:1/v1", model="m", key_env="OR1_NO_SUCH_KEY")
        list(annotate_votes([problem("x")], JudgeSettings(endpoints=(end,))))
