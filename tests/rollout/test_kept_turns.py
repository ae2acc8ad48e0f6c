"""Keys and values that the embedded engine keeps between turns: nothing is computed twice, and nothing else changes."""

import itertools
import random
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_models import make, reference_logprobs
from talker import Talker

from or1_rollout import Completion, FinishReason, Probe, SamplingParams, TensorStream
from or1_rollout.engines.transformers import prefill as prefill_module
from or1_rollout.engines.transformers.cached_batch import CachedBatch
from or1_rollout.engines.transformers.cached_model import CachedModel
from or1_rollout.engines.transformers.kept_turns import KeptTurns, Prefix
from or1_rollout.environments import MultiTurnEngine
from or1_rollout.environments.feed import TurnFeed

PROMPTS = ["12+7=", "a", "the quick brown fox"]
PARAMS = SamplingParams(n=3, max_new_tokens=60, seed=5)


def talk(engine, prompts=PROMPTS, params=PARAMS, environment=None, **options):
    return MultiTurnEngine(engine, environment or Talker(), engine.tokenizer, **options).generate(prompts, params)


@pytest.fixture
def computed(monkeypatch):
    """Widths of all forward passes over prompts, padding included."""
    forward, widths = CachedModel.forward, []

    def counted(self, ids, *arguments):
        widths.extend(ids.shape[1:])  # a decoding step has one axis
        return forward(self, ids, *arguments)

    monkeypatch.setattr(CachedModel, "forward", counted)
    return widths


@pytest.mark.parametrize("family", ["qwen2-tied", "qwen3", "llama3"])
@pytest.mark.parametrize("part_tokens", [8, 4096])
def test_samples_are_those_without_it(family, part_tokens, monkeypatch):
    monkeypatch.setattr(prefill_module, "PREFILL_TOKENS", part_tokens)  # 8: several parts, prompts longer than one
    keeping, forgetting = (make(family, torch.float32, kept_tokens=kept)[1] for kept in (65536, 0))
    ours, expected = (list(itertools.chain(*talk(engine))) for engine in (keeping, forgetting))
    assert sum(one.is_sampled for c in ours for one in c.segments) > 15, "there must be turns to be kept"
    for own, known in zip(ours, expected, strict=True):
        assert own.token_ids.tolist() == known.token_ids.tolist()
        assert own.segments == known.segments
        np.testing.assert_allclose(own.logprobs, known.logprobs, atol=1e-5)
    assert keeping.prefilled_tokens < forgetting.prefilled_tokens / 2


def test_a_turn_computes_only_what_is_new(computed):
    _, engine = make("qwen2-tied")
    ((completion,),) = talk(engine, ["the quick brown fox"], replace(PARAMS, n=1, seed=9))
    observed = [one.num_tokens for one in completion.segments if not one.is_sampled]
    assert len(observed) == 3
    assert computed == [
        19,
        *(1 + tokens for tokens in observed),
    ]  # the token that was sampled last, and the observation
    assert engine.prefilled_tokens == sum(computed)
    engine.kept_tokens = 0
    computed.clear()
    assert talk(engine, ["the quick brown fox"], replace(PARAMS, n=1, seed=9)) == [[completion]]
    before = np.cumsum([19, *(one.num_tokens for one in completion.segments)]).tolist()
    assert computed == before[:-1:2], "without it every turn computes all before it"


def test_pieces_go_on_where_they_stopped_and_new_weights_compute_everything_anew(computed):
    model, engine = make("qwen2-tied")
    new, _ = make("qwen2-tied")
    with torch.no_grad():
        for parameter in new.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    multi = MultiTurnEngine(engine, Talker(stop=()), engine.tokenizer, piece_tokens=5)
    steps = []

    def push():
        logprobs = reference_logprobs(new, [5], [6]).tolist()
        probe = Probe(prompt_ids=[5], response_ids=[6], logprobs=logprobs, tolerance=1e-6)
        engine.sync_weights(TensorStream(dict(new.state_dict())), version=1, probe=probe)
        computed.append("synced")

    def on_tokens(number):
        steps.append(number)
        if len(steps) == 12:  # in the third piece
            multi.between_pieces(push)

    ((completion,),) = multi.generate(["the quick"], SamplingParams(max_new_tokens=30, seed=0), on_tokens=on_tokens)
    assert [one.num_tokens for one in completion.segments] == [5] * 6
    assert computed == [9, 1, 1, 2, "synced", 9 + 15, 1, 1]  # 2: the probe, two tokens long
    ids = completion.token_ids.tolist()
    for weights, part in ((model, slice(0, 15)), (new, slice(15, 30))):
        expected = reference_logprobs(weights, engine.encode("the quick"), ids).numpy()
        np.testing.assert_allclose(completion.logprobs[part], expected[part], atol=1e-5)


def test_a_call_begins_with_nothing_kept(computed):
    _, engine = make("qwen2-tied")
    prompt, params = ["the quick brown fox"], replace(PARAMS, n=1)
    assert talk(engine, prompt, params) == talk(engine, prompt, params)
    half = len(computed) // 2
    assert computed[:half] == computed[half:]


def test_no_more_is_kept_than_is_allowed(monkeypatch):
    sizes, put = [], KeptTurns.put

    def watched(self, key, prefix):
        put(self, key, prefix)
        held = [(one.keys.shape[3], one.values.shape[2], len(one.token_ids)) for one in self._prefixes.values()]
        assert all(len(set(widths)) == 1 for widths in held), "one key and one value for each token"
        sizes.append(sum(tokens for *_, tokens in held))

    monkeypatch.setattr(KeptTurns, "put", watched)
    _, engine = make("qwen2-tied")
    free = talk(engine, lag_steps=30)  # many wait for their tools at the same time
    computed, most = engine.prefilled_tokens, max(sizes) // 6
    sizes.clear()
    engine.kept_tokens, engine.prefilled_tokens = most, 0
    tight = talk(engine, lag_steps=30)
    assert 0 < max(sizes) <= most
    assert engine.prefilled_tokens > computed, "there must be responses that found no room"
    assert [[c.token_ids.tolist() for c in g] for g in tight] == [[c.token_ids.tolist() for c in g] for g in free]


@pytest.mark.parametrize("kept_tokens", [65536, 100])
def test_samples_do_not_depend_on_the_speed_of_the_tools(kept_tokens):
    def run(seed):
        draws = random.Random(seed)
        environment = Talker(pause=lambda: time.sleep(draws.random() / 100))
        return talk(
            make("qwen2-tied", torch.float32, kept_tokens=kept_tokens)[1], environment=environment, lag_steps=20
        )

    first = run(0)
    assert run(1) == first  # bit by bit: also which responses find no room


def test_responses_that_are_complete_make_room():
    over = set()
    kept = KeptTurns(10, over.__contains__)

    def prefix(*ids):
        return Prefix(ids, torch.zeros(1, 1, 1, len(ids)), torch.zeros(1, 1, len(ids), 1))

    kept.put(0, prefix(1, 2, 3, 4))
    kept.put(1, prefix(1, 2, 3, 4))
    assert not kept.has_room(3)
    assert kept.num_tokens == 8, "who waits for a tool keeps what there is"
    over.add(0)
    assert kept.has_room(3)
    assert kept.num_tokens == 4
    assert kept.take(0, [1, 2, 3, 4, 5]) is None
    assert kept.take(1, [1, 2, 3, 4, 5]).token_ids == (1, 2, 3, 4)
    assert kept.num_tokens == 0


@pytest.mark.parametrize(("lag_steps", "over_from"), [(4, 14), (None, 10)])
def test_when_a_response_makes_room_does_not_depend_on_the_speed_of_its_tool(lag_steps, over_from):
    def answer(key, turn):
        return Completion(token_ids=[], logprobs=None, text="", finish_reason=FinishReason.STOP)

    ended = []
    with ThreadPoolExecutor(1) as threads:
        feed = TurnFeed([], answer, threads, on_end=lambda *_: ended.append("ended"), lag_steps=lag_steps)
        feed.put(7, None, 10)
        while not ended:
            assert feed.take(10, wait=False) == []
    assert [step for step in range(8, 20) if feed.is_over(7, step)] == list(range(over_from, 20))
    assert not feed.is_over(8, 20)


@pytest.mark.parametrize("prompt", [[1, 2, 4, 5], [1, 2], [1, 2, 3]])
def test_a_prompt_that_does_not_go_on_from_it_is_computed_whole(prompt):
    kept = KeptTurns(10, lambda key: False)
    kept.put(7, Prefix([1, 2, 3], torch.zeros(1, 1, 1, 3), torch.zeros(1, 1, 3, 1)))
    assert kept.take(7, prompt) is None
    assert kept.num_tokens == 0


def test_responses_of_one_turn_are_not_copied(monkeypatch):
    monkeypatch.setattr(CachedBatch, "prefix", None)
    _, engine = make("qwen2-tied")
    assert len(engine.generate(PROMPTS, PARAMS)) == 3
