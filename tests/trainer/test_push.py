"""A push is proven: whatever the engine holds or computes with beside the weights that were sent stops the run."""

from types import SimpleNamespace

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

from or1_rollout import WeightPushError
from or1_rollout.engines.transformers import TransformersEngine, places
from or1_trainer.train.weight_sync import Probe, Push, WeightCopy

PROBE = Probe(prompt_ids=[1, 2, 3], response_ids=[4, 5, 6])


class Weights:
    """A model's tensors as a stream."""

    def __init__(self, model):
        self.tensors = dict(model.state_dict())
        self.tensors.pop("lm_head.weight")  # tied: the trainer sends the embedding

    def __iter__(self):
        return iter(self.tensors.items())

    def metadata(self):
        return [(name, tensor.dtype, tuple(tensor.shape)) for name, tensor in self.tensors.items()]


class Elsewhere:
    """The engine as one that lives in another process: its tensors are known by their fingerprints alone."""

    def __init__(self, engine):
        self.update_weights, self.fingerprints, self.logprobs = (
            engine.update_weights,
            engine.fingerprints,
            engine.logprobs,
        )
        self.dtype = engine.dtype


def models():
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=20, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, tie_word_embeddings=True, max_position_embeddings=64, eos_token_id=None,
        pad_token_id=0, bos_token_id=None,
    )  # fmt: skip
    return Qwen2ForCausalLM(config), Qwen2ForCausalLM(config)


def send(new, engine, *, here, logprobs=None):
    """Push the weights of `new`; the trainer's half of the probe comes from an engine of its own."""
    trainer = TransformersEngine(new, SimpleNamespace(eos_token_id=None))
    expected = trainer.logprobs(PROBE.prompt_ids, PROBE.response_ids) if logprobs is None else logprobs
    push = Push(
        weights=WeightCopy(Weights(new)),
        probe=PROBE,
        probe_logprobs=lambda: expected,
        version=1,
        dtype=torch.float32,
        is_local=True,
    )
    there = engine if here else Elsewhere(engine)
    push.send(SimpleNamespace(engine=there, exchange=SimpleNamespace(wait=lambda: None)))


def stale_after(engine, monkeypatch, name):
    """Let every push leave one tensor as it was."""
    real, place = engine.update_weights, engine._weights.places[name]
    old = place.read().clone()

    def update(named, *, version):
        real(named, version=version)
        place.view.copy_(old.view(place.view.shape))

    monkeypatch.setattr(engine, "update_weights", update)


@pytest.mark.parametrize("here", [True, False])
@pytest.mark.parametrize("name", ["model.embed_tokens.weight", "model.layers.1.self_attn.q_proj.weight"])
def test_a_tensor_that_stayed_old_stops_the_run_and_is_named(here, name, monkeypatch):
    old, new = models()
    engine = TransformersEngine(old, SimpleNamespace(eos_token_id=None))
    send(new, engine, here=here)
    send(old, engine, here=here)
    stale_after(engine, monkeypatch, name)
    with pytest.raises(WeightPushError, match=rf"in \d of \d+ tensors: .*{name.split('.')[-2]}"):
        send(new, engine, here=here)


@pytest.mark.parametrize("here", [True, False])
def test_right_tensors_that_compute_something_else_stop_the_run(here):
    old, new = models()
    engine = TransformersEngine(old, SimpleNamespace(eos_token_id=None))
    with pytest.raises(WeightPushError, match="all tensors match"):
        send(new, engine, here=here, logprobs=[-1.0, -1.0, -1.0])


def test_what_was_not_named_and_what_it_never_had_both_differ():
    old, new = models()
    engine = TransformersEngine(old, SimpleNamespace(eos_token_id=None))
    engine.update_weights(iter(Weights(new)), version=1)
    some = [item for item in Weights(new) if "layers.0.mlp" not in item[0]]
    assert engine.differing(iter(Weights(new))) == []
    assert sorted(engine.differing(some)) == [
        f"model.layers.0.mlp.{kind}_proj.weight" for kind in ("down", "gate", "up")
    ]
    assert engine.differing([*Weights(new), ("stranger", torch.zeros(1))]) == ["stranger"]
    head = new.state_dict()["lm_head.weight"]
    assert engine.differing([*Weights(new), ("lm_head.weight", head)]) == [], "a tied head may be named"
    assert engine.differing([*Weights(new), ("lm_head.weight", head + 1)]) == ["lm_head.weight"]


def test_a_model_too_large_to_be_held_is_written_and_compared_in_parts(monkeypatch):
    monkeypatch.setattr(places, "HELD_BYTES", 1000)
    old, new = models()
    engine = TransformersEngine(old, SimpleNamespace(eos_token_id=None))
    engine.update_weights(iter(Weights(new)), version=1)
    assert engine.differing(iter(Weights(new))) == []
    assert len(engine.differing(iter(Weights(old)))) > 10
    held = list(engine.logprobs(PROBE.prompt_ids, PROBE.response_ids))
    twin = TransformersEngine(new, SimpleNamespace(eos_token_id=None))
    assert held == list(twin.logprobs(PROBE.prompt_ids, PROBE.response_ids))
