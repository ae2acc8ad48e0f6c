"""The endpoint engine against a server that fails in every way it can."""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from misbehaving_server import Server, tokens_of

from or1_rollout import EndpointError, FinishReason, Probe, SamplingParams, TensorStream
from or1_rollout.engines.openai import (
    EndpointEngine,
    EndpointSettings,
    LeastBusyServer,
    OpenAIClient,
    map_concurrently,
    run_sync,
)
from or1_rollout.generate.engines import add_engine_options, load_engine

PROMPTS = ["one", "three", "a longer prompt"]
PARAMS = SamplingParams(n=3, max_new_tokens=8, seed=4)


@pytest.fixture
def server():
    running = Server()
    yield running
    running.stop()


def engine(server, **settings):
    quick = {"max_wait_s": 0.02, "attempts": 6, "timeout_s": 2.0}
    return EndpointEngine(EndpointSettings(url=server.url, **{**quick, **settings}))


def texts(groups):
    return [[c.text for c in group] for group in groups]


@pytest.mark.parametrize("stream", [False, True])
def test_groups_in_order_each_sample_by_its_own_seed(server, stream):
    seen = []
    groups = engine(server, stream=stream).generate(PROMPTS, PARAMS, on_group=lambda i, g: seen.append((i, g)))
    for prompt, group in zip(PROMPTS, groups, strict=True):
        for completion in group:
            ids = tokens_of({"prompt": prompt, "seed": completion.seed})
            assert list(completion.token_ids) == ids and completion.text == "".join(chr(33 + t) for t in ids)
            assert list(completion.logprobs) == [-0.5] * 3 and completion.finish_reason is FinishReason.STOP
    assert sorted(i for i, _ in seen) == [0, 1, 2] and all(groups[i] == g for i, g in seen)
    assert all(body["n"] == 1 and body["model"] == "the-model" for body in server.bodies)
    assert len({c.seed for group in groups for c in group}) == 9


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    "fault", [429, 500, 502, 503, "cut", "drop", "slow", "broken json", "other json", "cut stream", "no end"]
)
def test_whatever_fails_for_a_while_the_samples_are_the_same(server, fault, stream):
    undisturbed = texts(engine(server, stream=stream).generate(PROMPTS, PARAMS))
    began = len(server.bodies)
    server.fault = lambda number: fault if (number - began) % 2 == 0 else None
    assert texts(engine(server, stream=stream, attempts=12).generate(PROMPTS, PARAMS)) == undisturbed
    failing = fault != "slow" and (stream or fault not in ("cut stream", "no end"))
    assert (len(server.bodies) - began > 9) == failing


def test_a_server_that_never_answers_is_an_error_that_says_so(server):
    server.fault = lambda number: 503
    with pytest.raises(EndpointError, match=r"gave no answer in 3 attempts.*503"):
        engine(server, attempts=3).generate(PROMPTS, PARAMS)
    server.fault = lambda number: "hang"
    with pytest.raises(EndpointError, match="Timeout"):
        engine(server, attempts=1, timeout_s=0.2).generate(PROMPTS[:1], SamplingParams())


def test_a_refusal_is_no_reason_to_try_again(server):
    server.fault = lambda number: 401
    with pytest.raises(EndpointError, match="refused a request: 401"):
        engine(server, concurrency=1).generate(PROMPTS, PARAMS)
    assert len(server.bodies) == 1


def test_it_waits_as_long_as_the_server_asks(server):
    server.fault = lambda number: "wait" if number == 0 else None
    engine(server).generate(PROMPTS[:1], SamplingParams())
    assert server.began_at[1] - server.began_at[0] >= 0.4


def test_two_calls_at_a_time_in_one_event_loop_and_what_was_sampled_with(server):
    engine = EndpointEngine(EndpointSettings(url=server.url))
    server.refuses = {"min_p"}

    async def both():
        return await asyncio.gather(*(engine.agenerate([prompt], PARAMS) for prompt in PROMPTS))

    groups = asyncio.run(both())
    assert [group for (group,) in groups] == [engine.generate([prompt], PARAMS)[0] for prompt in PROMPTS]
    assert engine.sampled_with()["left_out"] == ["min_p"]
    assert engine.generate([], PARAMS) == []


def test_fields_a_server_does_not_know_are_left_out_and_tokens_then_missing(server):
    server.refuses = {"return_token_ids", "logprobs"}
    ((completion,),) = engine(server, stream=False).generate(["x"], SamplingParams(max_new_tokens=8))
    assert completion.text and not len(completion.token_ids) and completion.logprobs is None
    server.refuses = {"stop"}
    with pytest.raises(EndpointError, match="unknown field stop"):  # it decides what is sampled
        engine(server).generate(["x"], SamplingParams(stop=("a",)))


def test_no_more_at_once_than_asked_and_no_more_a_minute(server):
    server.fault = lambda number: "slow"
    engine(server, concurrency=2).generate(PROMPTS, PARAMS)
    assert server.most_at_once == 2
    server.fault = lambda number: None
    began = len(server.began_at)
    engine(server, requests_per_minute=300).generate(PROMPTS, PARAMS)  # 5 a second: 9 need at least 0.8 s
    assert server.began_at[-1] - server.began_at[began] >= 0.6


def test_reasoning_is_joined_or_kept_apart(server):
    server.reasoning = True
    messages = [[{"role": "user", "content": "hi"}]]
    ((joined,),) = engine(server, stream=False).generate(messages, SamplingParams(max_new_tokens=8))
    ((apart,),) = engine(server, stream=False, reasoning="apart").generate(messages, SamplingParams(max_new_tokens=8))
    assert joined.text == f"<think>\nhm\n</think>\n\n{apart.text}" and joined.reasoning == apart.reasoning == "hm"


def test_progress_is_told_while_responses_stream(server):
    counted = []
    EndpointEngine(EndpointSettings(url=server.url)).generate(PROMPTS, PARAMS, on_tokens=counted.append)
    assert sum(counted) >= 27 and len(counted) >= 27


def rows_of(path):
    return {row["id"]: row for row in map(json.loads, path.read_text().splitlines())}


def generate_command(server, prompts, *more):
    return [sys.executable, "-m", "or1_rollout.cli", "generate", str(prompts), "--engine", "endpoint",
            "--url", server.url, "-n", "3", "--max-new-tokens", "8", *map(str, more)]  # fmt: skip


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    path.write_text("".join(json.dumps({"id": str(i), "prompt": f"prompt {i}"}) + "\n" for i in range(12)))
    return path


def settled(count):
    """A count once it has stayed the same for a second."""
    before, now = None, count()
    while before != now:
        time.sleep(1)
        before, now = now, count()
    return now


def test_killed_in_the_middle_every_sample_that_had_ended_is_kept(server, prompts, tmp_path):
    out, kept = tmp_path / "out.jsonl", tmp_path / "out.jsonl.samples.jsonl"
    server.fault = lambda number: "slow"
    process = subprocess.Popen(
        generate_command(server, prompts, "--concurrency", "7", "-o", out), stderr=subprocess.DEVNULL
    )
    while not (kept.exists() and kept.read_text().count("\n") >= 10):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    had_ended = kept.read_text().count("\n")
    with kept.open("a") as file:
        file.write('{"id": "cut off by a ki')
    began = settled(lambda: len(server.bodies))  # what the killed process had sent is still being read
    server.fault = lambda number: None
    subprocess.run(generate_command(server, prompts, "-o", out), check=True, capture_output=True)
    assert len(server.bodies) - began == 36 - had_ended and not kept.exists()
    subprocess.run(generate_command(server, prompts, "-o", tmp_path / "whole.jsonl"), check=True, capture_output=True)
    whole = rows_of(tmp_path / "whole.jsonl")
    assert rows_of(out) == whole and len(whole) == 12
    assert all(row["prompt"] == f"prompt {name}" and row["prompt_ids"] is None for name, row in whole.items())


def test_generate_keeps_all_its_requests_in_flight(server, tmp_path):
    prompts = tmp_path / "many.jsonl"
    prompts.write_text("".join(json.dumps({"id": str(i), "prompt": f"prompt {i}"}) + "\n" for i in range(90)))
    server.fault = lambda number: "gather"
    command = [*generate_command(server, prompts, "-o", tmp_path / "out.jsonl"), "-n", "1", "--concurrency", "80"]
    subprocess.run(command, check=True, capture_output=True)
    assert 70 <= server.most_at_once <= 80


@pytest.mark.parametrize("change", ["model", "server", "prompt", "extra_body", "min_p"])
def test_generate_goes_on_only_with_what_it_began_with(server, prompts, tmp_path, change):
    out = tmp_path / "out.jsonl"
    subprocess.run(generate_command(server, prompts, "-o", out), check=True, capture_output=True)
    before, more = out.read_text(), []
    other = Server()
    if change == "model":
        server.model = "another"
    elif change == "prompt":
        prompts.write_text(prompts.read_text().replace("prompt 3", "prompt three"))
    else:
        more = {
            "server": ["--url", other.url], "extra_body": ["--extra-body", '{"chat_template_kwargs": {"a": 1}}'],
            "min_p": ["--min-p", "0.1"],
        }[change]  # fmt: skip
    with prompts.open("a") as file:
        file.write('{"id": "new", "prompt": "one more"}\n')
    done = subprocess.run([*generate_command(server, prompts, "-o", out), *more], capture_output=True, text=True)
    other.stop()
    assert done.returncode == 2 and "give another file with -o" in done.stderr
    assert out.read_text() == before


def test_every_field_of_sampling_and_server_is_an_option(server, tmp_path):
    prompts = tmp_path / "one.jsonl"
    prompts.write_text('{"id": "a", "prompt": "hi"}\n')
    options = [
        "-n", "1", "--max-new-tokens", "7", "--temperature", "0.5", "--top-p", "0.9", "--top-k", "4", "--min-p", "0.1",
        "--repetition-penalty", "1.1", "--presence-penalty", "0.2", "--frequency-penalty", "0.3", "--stop", "x",
        "--stop-token-id", "9", "--no-seed", "--no-stream", "--system", "Be brief.", "--header", "X-Who: me",
        "--extra-body", '{"chat_template_kwargs": {"enable_thinking": false}}',
    ]  # fmt: skip
    command = [*generate_command(server, prompts, "-o", tmp_path / "out.jsonl"), *options]
    subprocess.run(command, check=True, capture_output=True)
    body = {name: value for name, value in server.bodies[-1].items() if name not in ("model", "return_token_ids", "n", "logprobs")}  # noqa: E501  # fmt: skip
    assert body == {
        "max_tokens": 7, "temperature": 0.5, "top_p": 0.9, "top_k": 4, "min_p": 0.1, "repetition_penalty": 1.1,
        "presence_penalty": 0.2, "frequency_penalty": 0.3, "stop": ["x"], "stop_token_ids": [9],
        "chat_template_kwargs": {"enable_thinking": False},
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}],
    }  # fmt: skip
    assert server.headers["X-Who"] == "me"


def test_no_field_of_the_settings_of_servers_is_without_an_option(monkeypatch):
    monkeypatch.setenv("MY_KEY", "secret")
    parser = argparse.ArgumentParser()
    add_engine_options(parser)
    options = parser.parse_args([
        "--engine", "endpoint", "--url", "http://a", "--url", "http://b", "--model", "m", "--api-key-env", "MY_KEY",
        "--header", "a:b", "--extra-body", '{"c": 1}', "--no-seed", "--concurrency", "3", "--rpm", "4",
        "--patience", "5", "--attempts", "6", "--max-wait", "7", "--timeout", "8", "--connect-timeout", "9",
        "--no-stream", "--reasoning", "apart", "--processed-logprobs", "yes",
    ])  # fmt: skip
    asked, default = load_engine(options, lambda identity: None).engine.settings, EndpointSettings(url="http://c")
    same = [field.name for field in fields(default) if getattr(asked, field.name) == getattr(default, field.name)]
    assert same == []


def test_inside_a_running_event_loop(server):
    import asyncio

    async def notebook():
        return engine(server).generate(PROMPTS, PARAMS)

    assert asyncio.run(notebook()) == engine(server).generate(PROMPTS, PARAMS)


def test_weights_are_not_its_business(server):
    probe = Probe(prompt_ids=[1], response_ids=[2], logprobs=[-1.0], tolerance=1.0)
    with pytest.raises(EndpointError, match="cannot receive weights"):
        engine(server).sync_weights(TensorStream({}), version=1, probe=probe)


def test_each_prompt_is_asked_with_its_own_limit(server):
    engine(server).generate(PROMPTS, PARAMS, limits=[3, 8, 100])
    asked = {(body["prompt"], body["max_tokens"]) for body in server.bodies}
    assert asked == {("one", 3), ("three", 8), ("a longer prompt", 8)}


def test_a_server_of_several_that_always_fails_is_left_out(server):
    broken = Server()
    broken.fault = lambda number: 500
    settings = EndpointSettings(url=server.url, model="the-model", attempts=6, max_wait_s=0.02, concurrency=4)
    pool = LeastBusyServer([server.url, broken.url], is_ready=lambda url: False)

    async def all_of_them():
        async with OpenAIClient(settings, selector=pool) as client:
            return await map_concurrently(
                list(range(40)), settings.concurrency, lambda seed: client.complete("one", PARAMS, seed=seed)
            )

    try:
        made = run_sync(all_of_them())
    finally:
        broken.stop()
    assert [list(response.token_ids) for response in made] == [
        tokens_of({"prompt": "one", "seed": n}) for n in range(40)
    ]
    assert len(broken.bodies) <= settings.concurrency
    assert [up.url for up in pool.up()] == [server.url]


def test_a_busy_server_is_not_a_broken_one(server):
    server.fault = lambda number: 429 if number == 0 else None
    pool = LeastBusyServer([server.url])
    settings = EndpointSettings(url=server.url, model="m", attempts=3, max_wait_s=0.02)

    async def one():
        async with OpenAIClient(settings, selector=pool) as client:
            await client.complete("one", PARAMS, seed=1)

    run_sync(one())
    assert len(pool.up()) == 1 and len(server.bodies) == 2
