"""The trainer sends what the policy holds, and the engine must compute the policy's log-probs with it."""

from types import SimpleNamespace

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from or1_rollout import TensorStream, WeightMismatch
from or1_rollout.engines.transformers import TransformersEngine
from or1_trainer.train import weight_sync
from or1_trainer.train.weight_sync import PROBE_TOKENS, probe_of_prompt, snapshot_weights

PROMPT = [1, 2, 3, 4, 5, 6]


def model():
    config = Qwen2Config(
        vocab_size=20, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, tie_word_embeddings=True, max_position_embeddings=64, eos_token_id=None,
        pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    return Qwen2ForCausalLM(config)


def learner_of(policy, dtype=torch.float32):
    """What `snapshot_weights` reads of a learner."""
    weights = {name: tensor for name, tensor in policy.state_dict().items() if name != "lm_head.weight"}
    return SimpleNamespace(weights=TensorStream(weights), policy=SimpleNamespace(dtype=dtype))


@pytest.fixture
def scored(monkeypatch):
    """Score the probe with the `transformers` model; other tests hold the policy against it."""

    def use(policy):
        def logprobs(_, probe):
            ids = torch.tensor([[*probe.prompt_ids, *probe.response_ids]])
            with torch.no_grad():
                every = policy(ids).logits[0].log_softmax(-1)[len(probe.prompt_ids) - 1 : -1]
            return every.gather(1, torch.tensor(probe.response_ids)[:, None]).squeeze(1).tolist()

        monkeypatch.setattr(weight_sync, "probe_logprobs", logprobs)

    return use


def fleet_of(engine, events=None):
    events = [] if events is None else events
    return SimpleNamespace(engine=engine, exchange=SimpleNamespace(wait=lambda: events.append("all ranks waited")))


def test_the_weights_arrive_with_their_version_and_all_ranks_wait(scored):
    torch.manual_seed(0)
    old, new = model(), model()
    engine, events = TransformersEngine(old, SimpleNamespace(eos_token_id=None)), []
    scored(new)
    snapshot_weights(learner_of(new), probe_of_prompt(PROMPT), version=4).send(fleet_of(engine, events))
    assert engine.weight_version == 4 and events == ["all ranks waited"]
    twin = TransformersEngine(new, SimpleNamespace(eos_token_id=None))
    assert engine.logprobs(PROMPT, PROMPT) == pytest.approx(twin.logprobs(PROMPT, PROMPT), abs=1e-6)


def test_an_engine_that_computes_something_else_stops_the_run(scored):
    torch.manual_seed(0)
    old, new = model(), model()
    engine = TransformersEngine(old, SimpleNamespace(eos_token_id=None))
    scored(old)  # the policy's log-probs are not those of the weights it sends
    with pytest.raises(WeightMismatch, match="all tensors match"):
        snapshot_weights(learner_of(new), probe_of_prompt(PROMPT), version=1).send(fleet_of(engine))


@pytest.mark.parametrize("copy", [True, False])
def test_a_copy_holds_the_weights_of_its_moment(scored, copy):
    torch.manual_seed(0)
    old, new = model(), model()
    engine = TransformersEngine(old, SimpleNamespace(eos_token_id=None))
    scored(new)
    push = snapshot_weights(learner_of(new), probe_of_prompt(PROMPT), version=1, copy=copy)
    with torch.no_grad():
        for parameter in new.parameters():
            parameter.mul_(1.5)
    if copy:
        push.send(fleet_of(engine))
    else:
        with pytest.raises(WeightMismatch):
            push.send(fleet_of(engine))


def test_the_first_probe_fits_wherever_the_prompt_fits():
    for length in (1, 2, PROBE_TOKENS, 100):
        probe = probe_of_prompt(list(range(length)))
        assert probe.prompt_ids and 1 <= len(probe.response_ids) <= PROBE_TOKENS
        assert len(probe.prompt_ids) + len(probe.response_ids) <= length + 1
