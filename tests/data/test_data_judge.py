"""Judges over a real loopback server that fails, limits and answers nonsense on the way."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from or1_data import ConfigError, make_problem
from or1_data.difficulty import DifficultySettings, PassCount, counts_of, estimate_difficulty
from or1_data.difficulty.sampler import EndpointSampler
from or1_data.endpoint import EndpointSettings
from or1_data.errors import EndpointError
from or1_data.judge import JudgeSettings, annotate_votes
from or1_data.judge.stage import read_vote
from or1_data.select import SelectSettings, reasons


class Judge(ThreadingHTTPServer):
    """Accepts statements with GOOD in them two times out of three, by seed; every fifth request fails first."""

    daemon_threads = True
    request_queue_size = 128
    answer = staticmethod(lambda body: f"VERDICT: {'ACCEPT' if 'GOOD' in body['messages'][0]['content'] else 'REJECT'}")
    fail_every = 0
    status = 503
    finish_reason = "stop"
    retry_after = "0.01"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.bodies: list[dict] = []
        self.requests = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


def _send(handler: BaseHTTPRequestHandler, body: bytes, length: int) -> None:
    handler.send_response(200)
    handler.send_header("content-length", str(length))
    handler.end_headers()
    with suppress(BrokenPipeError):  # a client that was killed, or had enough
        handler.wfile.write(body)
    handler.close_connection = True


def _page(handler: BaseHTTPRequestHandler, reply: bytes) -> None:
    page = b"<html>Gateway is warming up</html>"
    _send(handler, page, len(page))


def _half(handler: BaseHTTPRequestHandler, reply: bytes) -> None:
    _send(handler, reply[:20], len(reply))


def _no_choice(handler: BaseHTTPRequestHandler, reply: bytes) -> None:
    body = b'{"choices": []}'
    _send(handler, body, len(body))


def _hang_up(handler: BaseHTTPRequestHandler, reply: bytes) -> None:
    handler.close_connection = True


def _silence(handler: BaseHTTPRequestHandler, reply: bytes) -> None:
    time.sleep(0.6)
    handler.close_connection = True


MISBEHAVIOUR = {1: _page, 2: _half, 3: _no_choice, 4: _hang_up, 5: _silence}
"""In place of a status: what servers and the proxies before them do besides refusing."""


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
        choice = {"message": {"content": self.server.answer(body)}, "finish_reason": self.server.finish_reason}
        reply = json.dumps({"choices": [choice]}).encode()
        if failing and status in MISBEHAVIOUR:
            MISBEHAVIOUR[status](self, reply)
            return
        self.send_response(status)
        self.send_header("content-length", str(len(reply)))
        if failing and status == 429:
            self.send_header("retry-after", self.server.retry_after)
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


@pytest.mark.parametrize("status", [503, 429, *MISBEHAVIOUR])
def test_failures_on_the_way_are_tried_again(server: Judge, status: int) -> None:
    server.fail_every, server.status = 15, status
    noted = next(annotate_votes([problem("A GOOD problem?")], settings(server, concurrency=4, timeout_s=0.3)))
    assert noted.notes["judge"] == {"votes": {"one": "A" * 16, "two": "A" * 16}, "accepted": 32, "asked": 32}
    assert server.requests > 32


def test_nonsense_for_good_is_an_error_and_no_vote(server: Judge) -> None:
    server.fail_every, server.status = 1, 1
    with pytest.raises(EndpointError, match=r"no chat completion.*warming up.*after 2 tries"):
        list(annotate_votes([problem("A GOOD one")], settings(server, retries=1)))


def test_nine_of_thirty_two_stay_and_eight_go(server: Judge) -> None:
    """Unreadable answers are stored, and are votes for nothing."""
    votes = {"GOOD": 9, "SLIP": 8}
    given: Counter[str] = Counter()

    def answer(body: dict) -> str:
        name = next(name for name in votes if name in body["messages"][0]["content"])
        with server.lock:
            given[name] += 1
            accepted = given[name] <= votes[name]
        return "VERDICT: ACCEPT" if accepted else "I cannot say." if given[name] % 2 else "VERDICT: REJECT"

    server.answer = answer
    rows = list(annotate_votes([problem("A GOOD one?"), problem("A SLIP?")], settings(server)))
    select = SelectSettings(rules=(), min_votes=9)
    assert [row.notes["judge"]["accepted"] for row in rows] == [9, 8]
    assert [reasons(row, select) for row in rows] == [[], ["judge:votes"]]
    for row in rows:
        stored = "".join(row.notes["judge"]["votes"].values())
        assert len(stored) == 32 and stored.count("A") == row.notes["judge"]["accepted"] and "?" in stored
    assert reasons(problem("Never asked?"), select) == ["judge:not_asked"]


def test_our_rate_limit_and_the_servers_own_are_kept(server: Judge) -> None:
    """At 1,200 a minute, 16 requests of a model take at least 15/20 of a second."""
    start = time.monotonic()
    end = EndpointSettings(url=server.url, model="one", requests_per_minute=1200)
    next(annotate_votes([problem("A GOOD one?")], JudgeSettings(endpoints=(end,))))
    assert time.monotonic() - start >= 0.75
    server.fail_every, server.status, server.requests = 2, 429, 0
    server.retry_after, start = "0.4", time.monotonic()
    next(
        annotate_votes(
            [problem("A GOOD one?")], JudgeSettings(endpoints=(EndpointSettings(url=server.url, model="m"),), votes=2)
        )
    )
    assert server.requests == 3 and time.monotonic() - start >= 0.4


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
    assert [len(group) for group in texts] == [2, 3] and texts[0][0] == ("VERDICT: ACCEPT", False)
    assert sorted(b["seed"] - 3 * 1_000_003 for b in server.bodies) == [0, 1, 4, 5, 6]


def test_an_attempt_that_was_cut_off_is_a_failure_whatever_it_contains(server: Judge) -> None:
    server.answer, server.finish_reason = lambda body: "\\boxed{1}", "length"
    sampler = EndpointSampler(EndpointSettings(url=server.url, model="m"))
    limits = DifficultySettings(model="m", attempts=4)
    cut = next(estimate_difficulty([problem("What?")], sampler, right, limits))
    assert counts_of(cut)["m"] == PassCount(0, 4) and cut.notes["difficulty"]["m"]["truncated"] == 4
    server.finish_reason = "stop"
    whole = next(estimate_difficulty([problem("What?")], sampler, right, limits))
    assert counts_of(whole)["m"] == PassCount(4, 4)


def right(response: str, ground_truth: str):
    """Every response is right."""
    return SimpleNamespace(status="correct", reward=1.0, extracted="1")


def test_attempts_go_round_all_servers_of_a_model(server: Judge) -> None:
    """One of the two servers is down: its share goes to the other."""
    settings = EndpointSettings(url="http://127.0.0.1:1/v1", model="m", replicas=(server.url,))
    texts = EndpointSampler(settings).sample([[{"role": "user", "content": "GOOD"}]], [6], [0])
    assert len(texts[0]) == 6 and len(server.bodies) == 6


def test_unreadable_votes_and_settings() -> None:
    assert [
        read_vote(t) for t in ("VERDICT: ACCEPT", "**VERDICT: reject**", "maybe", "VERDICT: ACCEPT no, VERDICT: REJECT")
    ] == list("AR?R")
    with pytest.raises(ConfigError):
        EndpointSettings(url="localhost", model="m")
    with pytest.raises(ConfigError, match="OR1_NO_SUCH_KEY"):
        end = EndpointSettings(url="http://127.0.0.1:1/v1", model="m", key_env="OR1_NO_SUCH_KEY")
        list(annotate_votes([problem("x")], JudgeSettings(endpoints=(end,))))
