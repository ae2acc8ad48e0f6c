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
from or1_data.calls import CallStore, Completion
from or1_data.calls.servers import ServedModel, ServedModelSettings
from or1_data.difficulty import DifficultySettings, PassCount, counts_of, estimate_difficulty
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


class Refused(Exception):
    """The server takes the prompt for too long."""


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
        try:
            content = self.server.answer(body)
        except Refused:
            content, status = "", 400
        choice = {"message": {"content": content}, "finish_reason": self.server.finish_reason}
        reply = json.dumps({"choices": [choice]}).encode()
        if status == 400:
            reply = b'{"message": "This model has a maximum context length of 4096 tokens"}'
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
        endpoints=tuple(ServedModelSettings(url=server.url, model=name, **kwargs) for name in ("one", "two"))
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
    with pytest.raises(EndpointError, match=r"in 2 attempts"):
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
    """At 600 a minute, a first second's 10 may come at once; the 6 further ones take at least half a second."""
    start = time.monotonic()
    end = ServedModelSettings(url=server.url, model="one", requests_per_minute=600)
    next(annotate_votes([problem("A GOOD one?")], JudgeSettings(endpoints=(end,))))
    assert time.monotonic() - start >= 0.5
    server.fail_every, server.status, server.requests = 2, 429, 0
    server.retry_after, start = "0.4", time.monotonic()
    next(
        annotate_votes(
            [problem("A GOOD one?")],
            JudgeSettings(endpoints=(ServedModelSettings(url=server.url, model="m"),), votes=2),
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
    with pytest.raises(EndpointError, match="in 2 attempts"):
        list(annotate_votes([problem("A GOOD one")], settings(server, retries=1)))


def draw(server_settings: ServedModelSettings, problems: list, **limits) -> list:
    """The problems with their counts, by the attempts of a served model that a verifier takes for right."""
    settings = DifficultySettings(model="m", **{"attempts": 4, "round": 4, **limits})
    return list(estimate_difficulty(problems, ServedModel(server_settings), right, settings, seed=3))


def right(response: str, ground_truth: str):
    """Every response is right."""
    return SimpleNamespace(status="correct", reward=1.0, extracted="1")


def test_each_attempt_has_a_seed_of_its_own(server: Judge) -> None:
    draw(ServedModelSettings(url=server.url, model="m"), [problem("What?"), problem("Which?")], attempts=6)
    seeds = sorted(body["seed"] - 3 * 1_000_003 for body in server.bodies)
    assert seeds == sorted([*range(6), *range(6)])
    assert all("\\boxed{}" in body["messages"][0]["content"] for body in server.bodies)


def test_an_attempt_that_was_cut_off_is_a_failure_whatever_it_contains(server: Judge) -> None:
    server.answer, server.finish_reason = lambda body: "\\boxed{1}", "length"
    end = ServedModelSettings(url=server.url, model="m")
    (cut,) = draw(end, [problem("What?")])
    assert counts_of(cut)["m"] == PassCount(0, 4) and cut.notes["difficulty"]["m"]["truncated"] == 4
    server.finish_reason = "stop"
    (whole,) = draw(end, [problem("What?")])
    assert counts_of(whole)["m"] == PassCount(4, 4)


def test_an_empty_answer_is_a_failure_that_is_noted(server: Judge) -> None:
    server.answer = lambda body: ""
    (row,) = draw(ServedModelSettings(url=server.url, model="m"), [problem("What?")])
    assert counts_of(row)["m"] == PassCount(0, 4) and row.notes["difficulty"]["m"]["empty"] == 4


def test_a_cut_off_answer_of_a_judge_is_no_vote(server: Judge) -> None:
    server.finish_reason = "length"
    noted = next(annotate_votes([problem("A GOOD one")], settings(server)))
    assert noted.notes["judge"] == {"votes": {"one": "?" * 16, "two": "?" * 16}, "accepted": 0, "asked": 32}


def test_attempts_go_round_all_servers_of_a_model(server: Judge) -> None:
    """One of the two servers is down: its share goes to the other."""
    both = ServedModelSettings(url="http://127.0.0.1:1/v1", model="m", replicas=(server.url,))
    (row,) = draw(both, [problem("What?")], attempts=6)
    assert counts_of(row)["m"].num_attempts == 6 and len(server.bodies) == 6


def test_a_prompt_that_is_refused_is_noted_and_the_others_go_on(server: Judge) -> None:
    def answer(body: dict) -> str:
        if "LONG" in body["messages"][0]["content"]:
            raise Refused
        return "VERDICT: ACCEPT"

    server.answer = answer
    rows = [problem("A GOOD one?"), problem("A LONG one?"), problem("Another GOOD one?")]
    end = ServedModelSettings(url=server.url, model="m")
    counted = draw(end, rows)
    assert [counts_of(row).get("m") for row in counted] == [PassCount(4, 4), None, PassCount(4, 4)]
    assert "context" in counted[1].notes["difficulty"]["m"]["refused"]
    assert reasons(counted[1], SelectSettings(model="m")) == ["difficulty:refused"]
    voted = list(annotate_votes(rows, JudgeSettings(endpoints=(end,), votes=2)))
    assert [row.notes["judge"]["accepted"] for row in voted] == [2, 0, 2]
    assert "context" in voted[1].notes["judge"]["refused"]["m"]
    assert reasons(voted[1], SelectSettings(min_votes=1)) == ["judge:refused"]


def test_a_server_that_refuses_every_prompt_is_an_error(server: Judge) -> None:
    def answer(body: dict) -> str:
        raise Refused

    server.answer = answer
    with pytest.raises(EndpointError, match=r"all of the first \d+"):
        draw(ServedModelSettings(url=server.url, model="m"), [problem(f"Number {n}?") for n in range(40)])


def test_attempts_and_votes_are_paid_once(server: Judge, tmp_path) -> None:
    """By another run, with more attempts, and when a process was killed while it wrote."""
    end, rows = ServedModelSettings(url=server.url, model="m"), [problem(f"Number {n}?") for n in range(5)]

    def run(attempts: int, seed: int = 0) -> list:
        limits = DifficultySettings(model="m", attempts=attempts, stop="full")
        with CallStore(tmp_path) as store:
            return list(estimate_difficulty(rows, ServedModel(end), right, limits, store=store, seed=seed))

    first = run(4)
    assert len(server.bodies) == 20
    assert run(4) == first and len(server.bodies) == 20
    (file,) = tmp_path.glob("*.jsonl")
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])  # the last line of a killed process
    assert run(4) == first and len(server.bodies) == 21
    assert counts_of(run(6)[0])["m"] == PassCount(6, 6) and len(server.bodies) == 31
    run(4, seed=1)
    assert len(server.bodies) == 51, "other seeds are other attempts"
    with CallStore(tmp_path) as store:
        panel = JudgeSettings(endpoints=(end,), votes=3)
        votes = list(annotate_votes(rows, panel, store=store))
        assert len(server.bodies) == 66
    with CallStore(tmp_path) as store:
        assert list(annotate_votes(rows, panel, store=store)) == votes and len(server.bodies) == 66
        more = JudgeSettings(endpoints=(end,), votes=4)
        list(annotate_votes(rows, more, store=store))
        assert len(server.bodies) == 71


def test_what_the_verifier_could_not_judge_is_judged_again_and_not_asked_again(server: Judge, tmp_path) -> None:
    def fails(response: str, ground_truth: str):
        return SimpleNamespace(status="verifier_error", reward=None, extracted=None)

    end = ServedModelSettings(url=server.url, model="m")
    for verifier, expected in ((fails, None), (right, PassCount(4, 4))):
        with CallStore(tmp_path) as store:
            limits = DifficultySettings(model="m", attempts=4)
            (row,) = estimate_difficulty([problem("What?")], ServedModel(end), verifier, limits, store=store)
        assert counts_of(row).get("m") == expected
    assert len(server.bodies) == 4


def test_unreadable_votes_and_settings() -> None:
    texts = ("VERDICT: ACCEPT", "**VERDICT: reject**", "maybe", "VERDICT: ACCEPT no, VERDICT: REJECT")
    assert [read_vote(Completion(text)) for text in texts] == list("AR?R")
    with pytest.raises(ConfigError):
        ServedModelSettings(url="localhost", model="m")
    with pytest.raises(ConfigError, match="OR1_NO_SUCH_KEY"):
        end = ServedModelSettings(url="http://127.0.0.1:1/v1", model="m", key_env="OR1_NO_SUCH_KEY")
        list(annotate_votes([problem("x")], JudgeSettings(endpoints=(end,))))
