"""The endpoint client against a scripted server: exact scores, faults, refusals, wire format."""

from __future__ import annotations

import json
import random
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from scripted_server import NUM_PROBLEMS, ScriptedServer, knows

from or1_eval import EngineError, Problem, Sampling, Task, endpoint, evaluate, load_reports, load_task
from or1_eval.seeds import sample_seed
from or1_eval.table import notes
from or1_rollout.engines.openai import EndpointEngine, EndpointSettings


def expected_accuracies(k: int, seed: int = 0) -> list[float]:
    """What the scripted model scores, computed without any engine."""
    return [sum(knows(n, sample_seed(seed, "scripted", f"p{n}", i)) for i in range(k)) / k for n in range(NUM_PROBLEMS)]


@pytest.mark.parametrize("k", [1, 4])
def test_known_answers_give_exactly_the_expected_score(server: ScriptedServer, problem_file: Path, k: int) -> None:
    report = evaluate(problem_file, endpoint(server.url), k=k)
    accuracies = expected_accuracies(k)
    assert [problem.accuracy for problem in report.problems] == accuracies
    assert report.avg == pytest.approx(sum(accuracies) / NUM_PROBLEMS, abs=1e-15)
    assert 0 < report.avg < 1
    assert report.complete
    assert report.fingerprint["model"] == "scripted"
    assert report.mean_tokens == pytest.approx(len(r"I think it is \boxed{100}."))


def test_faults_change_nothing(server: ScriptedServer, problem_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(5)
    server.faults = lambda n: draw.choice([None, None, None, 429, 500, 503, "drop"])
    report = evaluate(problem_file, endpoint(server.url, concurrency=4, max_wait_s=0.01), k=4)
    assert [problem.accuracy for problem in report.problems] == expected_accuracies(4)
    assert server.count > 4 * NUM_PROBLEMS


def test_a_server_that_stays_down_is_an_error_that_says_so(server: ScriptedServer, problem_file: Path) -> None:
    server.faults = lambda n: 503
    with pytest.raises(EngineError, match=r"no answer in 3 attempts: .*503"):
        evaluate(problem_file, endpoint(server.url, attempts=3, max_wait_s=0.01), k=1)
    nobody = endpoint("http://127.0.0.1:9", model="x", attempts=1)
    with pytest.raises(EngineError, match=r"127.0.0.1:9"):
        evaluate(problem_file, nobody, k=1)


class _Late(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Be quiet."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"data": [{"id": "late"}]}')


def test_a_server_that_does_not_run_yet_is_waited_for_before_it_names_its_model() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    said: list[str] = []
    engine = endpoint("http://{}:{}".format(*address))
    engine.on_notice = said.append
    servers: list[ThreadingHTTPServer] = []

    def start() -> None:
        servers.append(ThreadingHTTPServer(address, _Late))
        servers[0].serve_forever()

    threading.Timer(0.5, start).start()
    assert engine.model == "late"
    servers[0].shutdown()
    servers[0].server_close()
    assert len(said) == 1 and "no server answers at" in said[0] and "waiting up to 30 min" in said[0]
    with pytest.raises(EngineError, match=r"no server answers at http://127.*/v1/models"):
        _ = endpoint("http://{}:{}".format(*address), patience_s=0.1).model


@pytest.mark.parametrize("field", ["return_token_ids", "top_k", "max_tokens"])
def test_an_optional_field_that_is_refused_is_left_out(server: ScriptedServer, field: str) -> None:
    server.refused = {field}
    engine = endpoint(server.url, concurrency=2)
    messages = [{"role": "user", "content": "Problem 0: ?"}]
    task = Task(name="t", problems=(Problem(id="p0", prompt=messages, ground_truth="100"),), k=2)
    report = evaluate(task, engine)
    assert report.num_samples == 2 and field not in server.bodies[-1]
    assert field != "max_tokens" or server.bodies[-1]["max_completion_tokens"] == 32768
    assert ("left_out" in report.fingerprint["sampled_with"]) == (field == "top_k"), "only what is sampled counts"
    assert any("does not accept top_k" in note for note in notes(report)) == (field == "top_k")


def test_what_was_sampled_with_is_read_back_and_kept_over_sessions(
    server: ScriptedServer, problem_file: Path, tmp_path: Path
) -> None:
    server.extra = {
        "model": "scripted-v2",
        "system_fingerprint": "b1",
        "generation_settings": {"top_p": 0.9, "top_k": 0},
    }
    server.facts = {
        "/version": {"version": "0.99"},
        "/props": {"default_generation_settings": {"params": {"top_p": 0.9}}},
    }
    server.refused = {"repetition_penalty"}
    report = evaluate(problem_file, endpoint(server.url), k=1, run_dir=tmp_path)
    said = {
        "left_out": ["repetition_penalty"],
        "models": ["scripted-v2"],
        "builds": ["b1"],
        "otherwise": {"top_p": ["0.9"]},
    }
    assert report.fingerprint["sampled_with"] == said
    assert report.fingerprint["engine_settings"]["server"]["version"] == "0.99"
    assert any("sampled with top_p 0.9" in note for note in notes(report))
    server.extra, server.refused = {"system_fingerprint": "b2"}, {"min_p"}
    evaluate(problem_file, endpoint(server.url), k=2, run_dir=tmp_path)
    (stored,) = load_reports(tmp_path).values()
    assert stored.fingerprint["sampled_with"]["left_out"] == ["min_p", "repetition_penalty"]
    assert stored.fingerprint["sampled_with"]["builds"] == ["b1", "b2"]
    assert "does not accept min_p, repetition_penalty" in (tmp_path / "results.md").read_text()
    assert "does not accept min_p" in (tmp_path / "report.html").read_text()
    kept = json.loads((tmp_path / "run.json").read_text())["tasks"]["scripted"]["fingerprint"]["sampled_with"]
    assert kept == stored.fingerprint["sampled_with"]


def test_sampling_that_a_server_cannot_do_is_an_error(server: ScriptedServer, problem_file: Path) -> None:
    server.refused = {"top_k"}
    with pytest.raises(EngineError, match="top_k"):
        evaluate(problem_file, endpoint(server.url), k=1, sampling=Sampling(top_k=20))


def test_reasoning_that_a_server_cut_out_comes_back(server: ScriptedServer, problem_file: Path) -> None:
    server.style = lambda problem, seed: {"text": r"\boxed{100}", "message": {"reasoning_content": "hm"}}
    engine = endpoint(server.url)
    ((_, completion),) = engine.stream([[{"role": "user", "content": "Problem 0: ?"}]], Sampling(), [1])
    assert completion.text == "<think>\nhm\n</think>\n\n\\boxed{100}"


def test_truncation_counts_and_scores_zero(server: ScriptedServer, problem_file: Path) -> None:
    server.style = lambda problem, seed: {"finish": "length" if problem == 0 else "stop"}
    said: list[str] = []
    report = evaluate(problem_file, endpoint(server.url), k=4, on_warning=said.append)
    assert report.truncated_rate == pytest.approx(1 / NUM_PROBLEMS)
    assert report.problems[0].accuracy == 0.0
    assert report.statuses["truncated"] == 4


def test_aborted_samples_are_missing_not_wrong(server: ScriptedServer, problem_file: Path) -> None:
    server.style = lambda problem, seed: {"finish": "abort" if problem == 0 else "stop"}
    report = evaluate(problem_file, endpoint(server.url), k=4)
    assert report.num_missing == 4
    assert not report.complete and any("ended the response by 'abort'" in note for note in notes(report))
    assert report.avg == pytest.approx(sum(expected_accuracies(4)[1:]) / (NUM_PROBLEMS - 1))
    server.style = lambda problem, seed: {"finish": "content_filter"}
    report = evaluate(problem_file, endpoint(server.url), k=1)
    assert report.num_samples == 0 and report.num_missing == 12, "a server that answers, and never to the end"


def test_the_rollout_engine_over_the_same_server_gives_the_same_samples(
    server: ScriptedServer, problem_file: Path
) -> None:
    rollouts = EndpointEngine(EndpointSettings(url=server.url))
    assert evaluate(problem_file, rollouts, k=2).avg == evaluate(problem_file, endpoint(server.url), k=2).avg


def test_several_models_must_be_told_apart(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    answer = httpx.Response(200, json={"data": [{"id": "a"}, {"id": "b"}]}, request=httpx.Request("GET", server.url))
    monkeypatch.setattr(httpx, "get", lambda *_, **__: answer)
    with pytest.raises(EngineError, match="a, b"):
        _ = endpoint(server.url).model


def test_task_by_name_and_file(problem_file: Path) -> None:
    task = load_task(problem_file)
    assert (task.name, len(task.problems), task.problems[0].id) == ("scripted", NUM_PROBLEMS, "p0")
