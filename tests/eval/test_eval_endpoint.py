"""The endpoint client against a scripted server: exact scores, faults, refusals, wire format."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from scripted_server import NUM_PROBLEMS, ScriptedServer, knows

from or1_eval import Completion, EngineError, Problem, Sampling, Task, endpoint, evaluate, load_task
from or1_eval.engines.wire import request_body
from or1_eval.seeds import sample_seed


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
    report = evaluate(problem_file, endpoint(server.url, concurrency=4, attempts=40, max_wait_s=0.01), k=4)
    assert [problem.accuracy for problem in report.problems] == expected_accuracies(4)
    assert server.count > 4 * NUM_PROBLEMS


def test_a_server_that_stays_down_is_an_error_that_says_so(server: ScriptedServer, problem_file: Path) -> None:
    server.faults = lambda n: 503
    with pytest.raises(EngineError, match=r"no answer in 3 attempts: .*503"):
        evaluate(problem_file, endpoint(server.url, attempts=3, max_wait_s=0.01), k=1)
    nobody = endpoint("http://127.0.0.1:9", model="x", attempts=1)
    with pytest.raises(EngineError, match=r"127.0.0.1:9"):
        evaluate(problem_file, nobody, k=1)


@pytest.mark.parametrize("field", ["return_token_ids", "seed", "max_tokens"])
def test_an_optional_field_that_is_refused_is_left_out(server: ScriptedServer, field: str) -> None:
    server.refused = {field}
    engine = endpoint(server.url, concurrency=2)
    server.style = lambda problem, seed: {}
    bodies: list[dict[str, Any]] = server.bodies
    task = Task(name="t", problems=(Problem(id="p0", prompt="Problem 0: ?", ground_truth="100"),), k=2)
    if field == "seed":  # the scripted server needs one: only the negotiation is looked at
        with pytest.raises(EngineError):
            evaluate(task, endpoint(server.url, concurrency=1, attempts=1, timeout_s=5), k=1)
    else:
        assert evaluate(task, engine).num_samples == 2
    assert field not in bodies[-1]
    assert field != "max_tokens" or bodies[-1]["max_completion_tokens"] == 32768


def test_sampling_that_a_server_cannot_do_is_an_error(server: ScriptedServer, problem_file: Path) -> None:
    server.refused = {"top_k"}
    with pytest.raises(EngineError, match="top_k"):
        evaluate(problem_file, endpoint(server.url), k=1, sampling=Sampling(top_k=20))


def test_body_carries_every_setting() -> None:
    params = Sampling(max_new_tokens=7, temperature=0.6, top_p=0.9, top_k=5, stop=("x",), stop_token_ids=(3,))
    body = request_body("m", [{"role": "user", "content": "hi"}], params, 11)
    assert body["messages"] == [{"role": "user", "content": "hi"}]
    assert {body[name] for name in ("max_tokens", "temperature", "top_p", "top_k", "seed")} == {7, 0.6, 0.9, 5, 11}
    assert (body["stop"], body["stop_token_ids"]) == (["x"], [3])
    assert request_body("m", [1, 2], params, 0)["prompt"] == [1, 2]
    assert "top_k" not in request_body("m", "text", Sampling(), 0)


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
    assert not report.complete
    assert report.avg == pytest.approx(sum(expected_accuracies(4)[1:]) / (NUM_PROBLEMS - 1))


def test_generate_is_the_pinned_signature(server: ScriptedServer) -> None:
    engine = endpoint(server.url)
    groups: dict[int, list[Completion]] = {}
    found = engine.generate(
        ["Problem 0: a", "Problem 3: b"], Sampling(n=3), seeds=[[1, 2, 3], [4, 5, 6]], on_group=groups.__setitem__
    )
    assert [len(group) for group in found] == [3, 3]
    assert [groups[0], groups[1]] == found
    assert [("103" in c.text) for c in found[1]] == [knows(3, seed) for seed in (4, 5, 6)]


def test_several_models_must_be_told_apart(server: ScriptedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    import httpx

    answer = httpx.Response(200, json={"data": [{"id": "a"}, {"id": "b"}]}, request=httpx.Request("GET", server.url))
    monkeypatch.setattr(httpx, "get", lambda *_, **__: answer)
    with pytest.raises(EngineError, match="a, b"):
        _ = endpoint(server.url).model


def test_task_by_name_and_file(problem_file: Path) -> None:
    task = load_task(problem_file)
    assert (task.name, len(task.problems), task.problems[0].id) == ("scripted", NUM_PROBLEMS, "p0")
