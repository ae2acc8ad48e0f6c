"""The endpoint engine against a server that fails in every way it can."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from misbehaving_server import Server, tokens_of

from or1_rollout import EndpointError, FinishReason, RowError, SamplingParams
from or1_rollout.engines.openai import EndpointEngine, EndpointSettings, OpenAIClient, map_concurrently, run_sync
from or1_rollout.engines.vllm.pool import Pool

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
    EndpointEngine(EndpointSettings(url=server.url), on_tokens=counted.append).generate(PROMPTS, PARAMS)
    assert sum(counted) >= 27 and len(counted) >= 27


def test_a_half_done_batch_goes_on_from_its_file(server, tmp_path):
    journal = tmp_path / "samples.jsonl"
    whole = engine(server).generate(PROMPTS, PARAMS)
    began = len(server.bodies)
    server.fault = lambda number: 401 if number - began >= 4 else None
    with pytest.raises(EndpointError):
        engine(server, journal=journal, concurrency=1).generate(PROMPTS, PARAMS)
    assert len(journal.read_text().splitlines()) == 4
    with journal.open("a") as file:
        file.write('{"key": "cut off by a ki')
    server.fault = lambda number: None
    again = len(server.bodies)
    assert engine(server, journal=journal).generate(PROMPTS, PARAMS) == whole
    assert len(server.bodies) - again == 5
    assert engine(server, journal=journal).generate(PROMPTS, PARAMS) == whole and len(server.bodies) - again == 5
    other = engine(server, journal=journal).generate(PROMPTS, SamplingParams(n=3, max_new_tokens=2, seed=4))
    assert all(len(c.token_ids) == 2 for group in other for c in group), "other settings are other samples"


def test_another_file_is_not_taken_for_a_journal(server, tmp_path):
    (tmp_path / "notes.txt").write_text("hello\n")
    with pytest.raises(RowError, match="no journal"):
        engine(server, journal=tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "hello\n"


def test_killed_in_the_middle_the_command_goes_on(server, tmp_path):
    prompts, out = tmp_path / "prompts.jsonl", tmp_path / "out.jsonl"
    prompts.write_text("".join(json.dumps({"id": str(i), "prompt": f"prompt {i}"}) + "\n" for i in range(12)))
    command = [sys.executable, "-m", "or1_rollout.cli", "generate", prompts, "--engine", "endpoint",
               "--url", server.url, "--concurrency", "2", "-n", "2", "--max-new-tokens", "8"]  # fmt: skip
    server.fault = lambda number: "slow"
    process = subprocess.Popen([*command, "-o", out], stderr=subprocess.DEVNULL, env=os.environ)
    while not (out.exists() and len(out.read_text().splitlines()) >= 2):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    server.fault = lambda number: None
    subprocess.run([*command, "-o", out], check=True, capture_output=True)
    subprocess.run([*command, "-o", tmp_path / "whole.jsonl"], check=True, capture_output=True)
    rows, whole = ({row["id"]: row for row in map(json.loads, p.read_text().splitlines())} for p in (out, tmp_path / "whole.jsonl"))  # noqa: E501  # fmt: skip
    assert rows == whole and len(rows) == 12


def test_inside_a_running_event_loop(server):
    import asyncio

    async def notebook():
        return engine(server).generate(PROMPTS, PARAMS)

    assert asyncio.run(notebook()) == engine(server).generate(PROMPTS, PARAMS)


def test_weights_are_not_its_business(server):
    with pytest.raises(EndpointError, match="takes no weights"):
        engine(server).update_weights([], version=1)


def test_a_server_of_several_that_always_fails_is_left_out(server):
    broken = Server()
    broken.fault = lambda number: 500
    settings = EndpointSettings(url=server.url, model="the-model", attempts=6, max_wait_s=0.02, concurrency=4)
    pool = Pool([server.url, broken.url], lambda url: False)

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
    pool = Pool([server.url], lambda url: False)
    settings = EndpointSettings(url=server.url, model="m", attempts=3, max_wait_s=0.02)

    async def one():
        async with OpenAIClient(settings, selector=pool) as client:
            await client.complete("one", PARAMS, seed=1)

    run_sync(one())
    assert len(pool.up()) == 1 and len(server.bodies) == 2
