"""The client for OpenAI-compatible servers: what it sends, what it takes as an answer, how long it waits."""

import json
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).parent))
from misbehaving_server import Server, tokens_of

import or1_rollout.engines.openai.selector as selector_module
from or1_rollout import EndpointError, FinishReason, SamplingParams
from or1_rollout.engines.openai import (
    EndpointEngine,
    EndpointSettings,
    LeastBusyServer,
    OpenAIClient,
    map_concurrently,
    run_sync,
)
from or1_rollout.engines.openai.errors import RequestRefusedError, ResponseError, TryAgainError
from or1_rollout.engines.openai.patience import ServerHealth
from or1_rollout.engines.openai.request import leave_out, refused_field, request_body
from or1_rollout.engines.openai.response import ResponseParts
from or1_rollout.engines.openai.settings import base_url

PARAMS = SamplingParams(max_new_tokens=8)
HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture
def server():
    running = Server()
    yield running
    running.stop()


def ask(server, prompt="one", params=PARAMS, *, seed=1, **settings):
    async def once():
        quick = {"max_wait_s": 0.02, "timeout_s": 2.0, "stream": False}
        async with OpenAIClient(EndpointSettings(url=server.url, **{**quick, **settings})) as client:
            return await client.sample(prompt, params, seed=seed)

    return run_sync(once())


@pytest.mark.parametrize("prompt", ["text", [1, 2], HELLO])
def test_what_would_be_filled_in_by_the_server_is_sent(server, prompt):
    ask(server, prompt)
    (body,) = server.bodies
    sent = {name: body[name] for name in ("top_k", "min_p", "repetition_penalty", "presence_penalty", "temperature")}
    assert sent == {
        "top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0, "presence_penalty": 0.0, "temperature": 1.0,
    }  # fmt: skip
    assert body["frequency_penalty"] == 0 and body["top_p"] == 1 and body["seed"] == 1


def test_a_field_that_does_nothing_is_left_out_where_it_is_refused_one_that_does_is_an_error(server):
    server.refuses = {"top_k", "min_p", "repetition_penalty", "seed"}
    assert ask(server).text
    assert not server.refuses & server.bodies[-1].keys() and len(server.bodies) == 5
    with pytest.raises(EndpointError, match="unknown field top_k"):
        ask(server, params=SamplingParams(top_k=20))


TOO_LARGE = (
    "'max_tokens' or 'max_completion_tokens' is too large: 32768. This model's maximum context length is 2048 tokens "
    "and your request has 23 input tokens (32768 > 2048 - 23)"
)
RENAMED = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."


@pytest.mark.parametrize("prompt", ["text", [1, 2], HELLO])
@pytest.mark.parametrize("refusal", [TOO_LARGE, RENAMED])
def test_max_tokens_goes_on_under_its_newer_name_only_in_chat_and_only_if_the_name_is_refused(prompt, refusal):
    body = request_body("m", prompt, PARAMS, 1)
    is_renamed = refusal == RENAMED and prompt == HELLO
    assert refused_field(refusal, body) == ("max_tokens" if is_renamed else None)
    if is_renamed:
        leave_out(body, "max_tokens")
        assert body["max_completion_tokens"] == 8 and "max_tokens" not in body


def test_extra_fields_and_headers_are_sent_and_may_not_hide_a_setting(server):
    extra = {"chat_template_kwargs": {"enable_thinking": False}}
    ask(server, HELLO, extra_body=extra, send_seed=False)
    assert server.bodies[0]["chat_template_kwargs"] == {"enable_thinking": False} and "seed" not in server.bodies[0]
    with pytest.raises(ValueError, match="extra_body must not set temperature"):
        EndpointSettings(url="http://x", extra_body={"temperature": 0.5})


@pytest.mark.parametrize(
    ("given_url", "expected"),
    [
        ("http://host:8000", "http://host:8000/v1"),
        ("http://host:8000/v1/", "http://host:8000/v1"),
        ("http://host/v1/chat/completions", "http://host/v1"),
        ("http://host/v1/completions", "http://host/v1"),
        ("http://host/v1/models", "http://host/v1"),
        ("https://host/v1beta/openai/", "https://host/v1beta/openai"),
        ("https://host/api/paas/v4/chat/completions", "https://host/api/paas/v4"),
        ("http://v1host/api", "http://v1host/api/v1"),
    ],
)
def test_the_base_of_every_url_that_people_paste(given_url, expected):
    assert base_url(given_url) == expected


@pytest.mark.parametrize(
    "settings",
    [{"url": "host:8000"}, {"url": "http://"}, {"concurrency": 0}, {"attempts": -1}, {"patience_s": 0},
     {"timeout_s": float("nan")}, {"requests_per_minute": float("nan")}],
)  # fmt: skip
def test_settings_that_cannot_work_are_refused(settings):
    with pytest.raises(ValueError, match=r"http://HOST|at least|above 0"):
        EndpointSettings(**{"url": "http://x", **settings})


@pytest.mark.parametrize("fault", [429, 500, 502, 503, 520, 522, 524, 529, "other json", "broken json", "drop", "page"])
def test_a_server_may_be_away_for_longer_than_any_number_of_tries(server, fault):
    server.fault = lambda number: fault if number < 15 else None
    response = ask(server, patience_s=30.0)
    assert list(response.token_ids) == tokens_of({"prompt": "one", "seed": 1}) and len(server.bodies) == 16


def test_patience_ends_when_nothing_at_all_is_answered(server):
    server.fault = lambda number: 503
    with pytest.raises(EndpointError, match=r"gave no answer in \d+ attempts: TryAgainError: 503"):
        ask(server, patience_s=0.3)


def test_a_request_that_fails_alone_is_given_up_alone(server):
    server.fault = lambda number: 500 if server.bodies[number]["prompt"] == "poison" else None
    engine = EndpointEngine(EndpointSettings(url=server.url, concurrency=4, max_wait_s=0.02, stream=False))
    prompts = ["poison", *(f"prompt {n}" for n in range(60))]
    groups = engine.generate(prompts, PARAMS)
    assert groups[0][0].finish_reason is FinishReason.ABORT and not groups[0][0].text
    assert all(group[0].finish_reason is FinishReason.STOP for group in groups[1:])
    assert 8 <= sum(body["prompt"] == "poison" for body in server.bodies) <= 30


def test_a_prompt_that_is_too_long_costs_that_prompt_and_all_refused_is_an_error(server):
    server.fault = lambda number: 400 if len(server.bodies[number]["prompt"]) > 20 else None
    engine = EndpointEngine(EndpointSettings(url=server.url, stream=False))
    (short,), (long,) = engine.generate(["short", "x" * 21], PARAMS)
    assert short.text and long.finish_reason is FinishReason.ABORT and len(server.bodies) == 2
    with pytest.raises(EndpointError, match="refused a request: 400"):
        engine.generate(["x" * 30, "y" * 30], PARAMS)


def test_what_is_waited_for_is_said_once_per_doubling(monkeypatch):
    now_s, said = [0.0], []
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    health = ServerHealth("http://host", 600.0, said.append)
    for second in range(0, 241, 5):
        now_s[0] = float(second)
        health.failed(TryAgainError("503 loading", status=503))
    assert [line.split(" (")[0] for line in said] == [
        f"no answer from http://host for {seconds} s" for seconds in (30, 60, 120, 240)
    ]
    assert not health.is_exhausted
    health.succeeded()
    assert said[-1] == "http://host answers again after 240 s" and health.silence_s == 0.0
    health.failed(TryAgainError("503"))
    now_s[0] += 600.0
    assert health.is_exhausted


@pytest.mark.parametrize("params", [{"temperature": 0.5}, {"top_p": 0.9}, {"top_k": 5}, {"temperature": 0.0}])
def test_logprobs_that_are_not_those_of_the_draw_are_not_given(server, params):
    engine = EndpointEngine(EndpointSettings(url=server.url, stream=False))  # says -0.5 whatever is asked
    ((plain,),) = engine.generate(["x"], PARAMS)
    ((other,),) = engine.generate(["x"], SamplingParams(max_new_tokens=8, **params))
    assert plain.logprobs is not None and other.logprobs is None and other.token_ids is not None


def test_a_server_known_to_process_is_believed(server):
    engine = EndpointEngine(EndpointSettings(url=server.url, stream=False, processed_logprobs=True))
    ((drawn,),) = engine.generate(["x"], SamplingParams(max_new_tokens=8, temperature=0.5))
    ((cut,),) = engine.generate(["x"], SamplingParams(max_new_tokens=8, temperature=0.5, top_p=0.5))
    assert drawn.logprobs is not None and cut.logprobs is None


def test_several_servers_share_the_work_and_one_that_is_gone_is_left_alone(server):
    other = Server()
    gone = Server()
    gone.stop()
    three = EndpointSettings(
        url=gone.url, replicas=(server.url, other.url), model="m", concurrency=8, max_wait_s=0.02, stream=False
    )

    async def many():
        async with OpenAIClient(three) as client:
            return await map_concurrently(range(60), 8, lambda seed: client.complete("one", PARAMS, seed=seed))

    made = run_sync(many())
    other.stop()
    assert [list(r.token_ids) for r in made] == [tokens_of({"prompt": "one", "seed": n}) for n in range(60)]
    assert len(server.bodies) > 15 and len(other.bodies) > 15


def test_the_least_busy_server_is_chosen():
    selector = LeastBusyServer(["http://a", "http://b/v1"])

    async def three():
        async with selector.server() as first, selector.server() as second:
            async with selector.server():
                pass
            return first, second

    assert run_sync(three()) == ("http://a/v1", "http://b/v1")


@pytest.mark.parametrize("asks", [True, False])
def test_a_server_that_was_down_is_used_again_when_it_is_ready(monkeypatch, asks):
    monkeypatch.setattr(selector_module, "FIRST_PAUSE_S", 0.02)
    answers = iter([False, True])
    selector = LeastBusyServer(["http://a"], is_ready=(lambda url: next(answers)) if asks else None)
    selector.mark_down("http://a")
    assert selector.up() == []

    async def one():
        async with selector.server() as url:
            return url, [server.url for server in selector.up()]

    if not asks:  # with nobody to ask, the request itself finds out
        assert run_sync(one()) == ("http://a/v1", [])
        time.sleep(0.03)
    assert run_sync(one()) == ("http://a/v1", ["http://a"])
    assert next(answers, None) is (None if asks else False), "a server is asked until it is ready"


def test_requests_wait_for_a_ready_server_as_long_as_patience_lasts(monkeypatch):
    monkeypatch.setattr(selector_module, "FIRST_PAUSE_S", 0.02)
    selector = LeastBusyServer(["http://a"], is_ready=lambda url: False, patience_s=0.05)
    selector.mark_down("http://a")

    async def one():
        async with selector.server():
            raise AssertionError("it has other weights")

    with pytest.raises(EndpointError, match="http://a"):
        run_sync(one())


def test_results_keep_their_order_and_the_first_error_stops_the_rest():
    begun = []

    async def double(item):
        begun.append(item)
        if item == 3:
            raise ValueError("three")
        return 2 * item

    assert run_sync(map_concurrently([5, 1, 4], 2, double)) == [10, 2, 8]
    with pytest.raises(ValueError, match="three"):
        run_sync(map_concurrently([1, 3, *range(10, 100)], 1, double))
    assert 99 not in begun


@pytest.mark.parametrize(("reason", "expected"), [("stop", "stop"), ("length", "length"), ("content_filter", "abort")])
def test_a_reason_that_is_not_the_models_is_an_abort(reason, expected):
    parts = ResponseParts()
    parts.add(json.dumps({"choices": [{"text": "a", "finish_reason": reason}], "usage": {"completion_tokens": 7}}))
    assert parts.response().finish_reason == expected and parts.response().num_tokens == 7


def test_a_message_in_parts_is_their_text():
    parts = ResponseParts()
    content = [{"type": "text", "text": "a"}, {"type": "refusal", "refusal": "x"}, {"type": "text", "text": "b"}]
    parts.add(json.dumps({"choices": [{"message": {"content": content}, "finish_reason": "stop"}]}))
    assert parts.response().text == "ab"


@settings(max_examples=60)
@given(st.recursive(st.none() | st.booleans() | st.floats() | st.text(max_size=3), lambda v: st.lists(v, max_size=2) | st.dictionaries(st.sampled_from(["choices", "usage", "text", "message", "delta", "content", "logprobs", "finish_reason", "token_ids", "error", "completion_tokens"]), v, max_size=4)))  # noqa: E501  # fmt: skip
def test_whatever_json_comes_is_a_response_or_a_response_error(value):
    parts = ResponseParts()
    try:
        parts.add(json.dumps(value))
        assert isinstance(parts.response().text, str)
    except ResponseError:
        pass


def test_refusals_are_endpoint_errors():
    assert issubclass(RequestRefusedError, EndpointError) and not issubclass(RequestRefusedError, TryAgainError)
