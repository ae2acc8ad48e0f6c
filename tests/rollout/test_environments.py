"""Responses of several turns on the embedded engine: token by token, in any order of the tools, within their limits."""

import random
import threading
import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_models import letters_tokenizer, make, reference_logprobs
from talker import Talker, TalkerEpisode, check_turns

from or1_rollout import Completion, FinishReason, Probe, SamplingParams, TensorStream
from or1_rollout.environments import (
    AskedCalls,
    Calculator,
    HermesCalls,
    MultiTurnEngine,
    Observation,
    SingleTurn,
    ToolEnvironment,
    TurnLimits,
    rebuilt_episode,
)
from or1_rollout.environments.codec import TurnCodec
from or1_rollout.errors import EnvironmentFailure

PROMPTS = ["12+7=", "a", "the quick brown fox"]
PARAMS = SamplingParams(n=3, max_new_tokens=24, seed=5)


def talk(environment, family="qwen2-tied", dtype=torch.float64, params=PARAMS, prompts=PROMPTS, **options):
    model, engine = make(family, dtype)
    multi = MultiTurnEngine(engine, environment, engine.tokenizer, **options)
    return model, engine, multi.generate(prompts, params)


@pytest.mark.parametrize("family", ["qwen2-tied", "qwen3", "gpt2"])
def test_every_turn_is_sampled_from_the_tokens_before_it(family):
    environment = Talker()
    model, engine, groups = talk(environment, family)
    assert environment.closed == 9
    seen_turns = set()
    for prompt, group in zip(PROMPTS, groups, strict=True):
        for completion in (one for one in group if one.segments):
            turns = check_turns(engine, environment, prompt, completion, PARAMS)
            sampled_T = completion.is_sampled_T
            expected = reference_logprobs(model, engine.encode(prompt), completion.token_ids.tolist()).numpy()
            np.testing.assert_allclose(completion.logprobs[sampled_T], expected[sampled_T], atol=1e-5)
            assert not completion.logprobs[~sampled_T].any()
            assert completion.num_sampled == sampled_T.sum()
            seen_turns.add(turns)
    assert max(seen_turns) > 1
    assert any(segment.text.endswith(("e", "7")) for group in groups for c in group for segment in c.segments)


def test_turns_may_be_sampled_in_pieces():
    environment = Talker(stop=("e", "+3", "7"))
    params = replace(PARAMS, n=1)
    _, engine, groups = talk(environment, piece_tokens=4, params=params)
    pieces = 0
    for prompt, group in zip(PROMPTS, groups, strict=True):
        for completion in group:
            check_turns(engine, environment, prompt, completion, params)
            assert all(one.num_tokens <= 4 for one in completion.segments if one.is_sampled)
            pieces += sum(not one.ends_turn for one in completion.segments)
    assert pieces > 5


def test_a_stop_string_is_found_across_pieces():
    class Scripted:
        """An engine that says a fixed text, piece by piece."""

        def __init__(self, text):
            self.ids, self.tokenizer = letters_tokenizer().encode(text), letters_tokenizer()

        def generate_turns(self, feed, params, *, on_tokens=None):
            place = 0
            while turns := feed.take(0, wait=True):
                (turn,) = turns
                ids = self.ids[place : place + turn.max_new_tokens]
                place += len(ids)
                feed.put(
                    turn.key, Completion(token_ids=ids, logprobs=None, text="", finish_reason=FinishReason.LENGTH), 0
                )

    environment = Talker(turns=1, stop=("=?=",))
    engine = Scripted("abc=-=;=?=next".replace("?", "-"))
    environment.stop = ("=-=;=",)
    multi = MultiTurnEngine(engine, environment, engine.tokenizer, piece_tokens=5)
    ((completion,),) = multi.generate(["a"], SamplingParams(max_new_tokens=9))
    assert [one.text for one in completion.segments if one.is_sampled][:4] == ["abc=-", "=", ";", "="]
    assert [one.ends_turn for one in completion.segments][:4] == [False, False, False, True]


def test_new_weights_come_between_pieces_and_every_token_names_its_version():
    model, engine = make("qwen2-tied")
    torch.manual_seed(9)
    new, _ = make("qwen2-tied")
    with torch.no_grad():
        for parameter in new.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    multi = MultiTurnEngine(engine, Talker(turns=2), engine.tokenizer, piece_tokens=5)
    sampled = []

    def push():
        probe = Probe(
            prompt_ids=[5], response_ids=[6], logprobs=reference_logprobs(new, [5], [6]).tolist(), tolerance=1e-6
        )
        engine.sync_weights(TensorStream(dict(new.state_dict())), version=1, probe=probe)

    def on_tokens(number):
        sampled.append(number)
        if len(sampled) == 8:
            threading.Thread(target=multi.between_pieces, args=(push,)).start()

    params = replace(PARAMS, max_new_tokens=60)
    groups = multi.generate(PROMPTS, params, on_tokens=on_tokens)
    versions = set()
    for prompt, group in zip(PROMPTS, groups, strict=True):
        for completion in group:
            ids, versions_T = completion.token_ids.tolist(), completion.versions_T
            versions.add(tuple(sorted(set(versions_T.tolist()))))
            for version, weights in enumerate((model, new)):
                expected = reference_logprobs(weights, engine.encode(prompt), ids).numpy()
                own = completion.is_sampled_T & (versions_T == version)
                np.testing.assert_allclose(completion.logprobs[own], expected[own], atol=1e-5)
            assert (np.diff(versions_T) >= 0).all()
    assert (0, 1) in versions, "no response went on with the new weights"


def test_a_single_turn_is_an_ordinary_completion():
    _, engine, groups = talk(SingleTurn())
    assert groups == engine.generate(PROMPTS, PARAMS)
    assert all(completion.segments == () for group in groups for completion in group)


def test_samples_do_not_depend_on_the_speed_of_the_tools():
    def run(seed):
        draws = random.Random(seed)
        environment = Talker(pause=lambda: time.sleep(draws.random() / 100))
        return talk(environment, dtype=torch.float32, lag_steps=4)[2]

    first = run(0)
    assert any(len(completion.segments) > 1 for group in first for completion in group)
    assert run(1) == first  # bit by bit, log-probs included


def test_a_slow_tool_stops_nobody_else():
    class Slow(Talker):
        def __init__(self):
            super().__init__(turns=1)
            self.others_ended = threading.Event()

        def start(self, problem, seed):
            return SlowEpisode(self, problem, seed)

    class SlowEpisode(TalkerEpisode):
        def respond(self, turn):
            if self.problem["prompt"] == "a" and not self.heard:
                assert self.environment.others_ended.wait(60), "the engine waited for the slow tool"
            return super().respond(turn)

    environment, ended = Slow(), []

    def on_sample(prompt, sample, completion):
        ended.append(prompt)
        if len(ended) == 2:
            environment.others_ended.set()

    _, engine = make("qwen2-tied")
    multi = MultiTurnEngine(engine, environment, engine.tokenizer)
    params = replace(PARAMS, n=1, max_new_tokens=60)
    groups = multi.generate(PROMPTS, params, on_sample=on_sample)
    assert len(groups[1][0].segments) > 1, "the slow tool must have been called"
    assert ended == [0, 2, 1] or ended == [2, 0, 1]


def test_limits_truncate():
    endless = Talker(turns=10**6)
    params = replace(PARAMS, max_new_tokens=40)
    cut = [c for group in talk(endless, params=params, limits=TurnLimits(turns=2))[2] for c in group]
    assert all(c.finish_reason is FinishReason.LENGTH for c in cut)
    num_turns = [sum(segment.is_sampled for segment in c.segments) for c in cut]
    assert max(num_turns) == 2
    assert any(turns == 2 and c.num_sampled < 40 for turns, c in zip(num_turns, cut, strict=True))
    groups = talk(endless, params=params, limits=TurnLimits(turns=100, observation_tokens=10))[2]
    observed = [int((~completion.is_sampled_T).sum()) for group in groups for completion in group]
    assert max(observed) > 0
    assert max(observed) <= 10
    groups = talk(endless, params=params, limits=TurnLimits(turns=100, observation_tokens=150))[2]
    assert max(len(c.token_ids) for group in groups for c in group) > 40  # observations do not count
    assert all(c.num_sampled <= 40 and c.finish_reason is FinishReason.LENGTH for group in groups for c in group)


def test_an_environment_that_fails_is_no_response():
    class Broken(Talker):
        def start(self, problem, seed):
            return BrokenEpisode(self, problem, seed)

    class BrokenEpisode(TalkerEpisode):
        def respond(self, turn):
            if self.problem["prompt"] in broken:
                raise EnvironmentFailure("the tool's machine is gone")
            return super().respond(turn)

    broken = ["a"]
    groups = talk(Broken())[2]
    aborted = [[c.finish_reason is FinishReason.ABORT for c in group] for group in groups]
    assert any(aborted[1]) and not any(aborted[0] + aborted[2])
    broken, environment = PROMPTS, Broken()
    with pytest.raises(EnvironmentFailure, match="machine is gone"):
        talk(environment)
    assert environment.closed == 9


CHATML = (
    "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)


def chat_tokenizer():
    tokenizer = letters_tokenizer()
    tokenizer.add_special_tokens({"additional_special_tokens": ["<|im_start|>", "<|im_end|>", "\n"]})
    tokenizer.eos_token, tokenizer.chat_template = "<|im_end|>", CHATML
    return tokenizer


def test_a_message_stands_where_the_chat_template_puts_it():
    tokenizer = chat_tokenizer()
    messages = [{"role": "user", "content": "ask"}, {"role": "assistant", "content": "call"}]
    before = tokenizer.apply_chat_template(messages[:1], add_generation_prompt=True, tokenize=False)
    whole = [*messages, {"role": "tool", "content": "found"}]
    expected = tokenizer.apply_chat_template(whole, add_generation_prompt=True, tokenize=False)
    for end in ([tokenizer.eos_token_id], []):  # sampled by the policy, or not
        turn = [*tokenizer.encode("call"), *end]
        observed = TurnCodec(tokenizer).encode(Observation("found"), turn)
        assert [*tokenizer.encode(before), *turn, *observed] == tokenizer.encode(expected)
    assert TurnCodec(tokenizer).encode(Observation("found", role=None), turn) == tokenizer.encode("found")


def test_a_template_that_rewrites_turns_is_refused():
    tokenizer = chat_tokenizer()
    tokenizer.chat_template = CHATML.replace("m.content", "(m.content if loop.last else m.content[1:])")
    with pytest.raises(EnvironmentFailure, match="changes earlier turns"):
        TurnCodec(tokenizer).encode(Observation("found"), [])


def test_a_template_that_tells_of_no_tools_is_named(caplog):
    tokenizer, hermes = chat_tokenizer(), ToolEnvironment([Calculator()], HermesCalls())
    MultiTurnEngine(None, hermes, tokenizer)
    assert "no tools" in caplog.text
    caplog.clear()
    tokenizer.chat_template = "{% for tool in tools or [] %}{{ tool.function.name }}{% endfor %}" + CHATML
    MultiTurnEngine(None, hermes, tokenizer)
    MultiTurnEngine(None, ToolEnvironment([Calculator()], AskedCalls()), chat_tokenizer())
    assert not caplog.text


def test_an_episode_is_rebuilt_from_its_turns():
    environment = ToolEnvironment([Calculator()], AskedCalls())
    episode, seen = rebuilt_episode(environment, {"prompt": "?"}, 3, ["12+7=?", "19-3*2=?"])
    assert [observation.text for observation in seen] == ["19;", "13;"]
    assert episode.respond("done") is None
    with pytest.raises(ValueError, match="turn 0 of 2"):
        rebuilt_episode(environment, {"prompt": "?"}, 3, ["done", "12+7=?"])


def test_completions_keep_their_segments_in_json():
    groups = talk(Talker())[2]
    for completion in (c for group in groups for c in group):
        again = Completion.from_json(completion.to_json())
        assert again == completion
        assert again.segments == completion.segments
        assert completion.text == "".join(segment.text for segment in completion.segments or [completion])
