"""Rows of messages: what is trained on; the loss against a slow one; and the rows that a run's right responses make."""

import json

import numpy as np
import pytest
import torch

from or1_trainer.config.schema import BatchSettings, LossSettings, OptimizerSettings
from or1_trainer.errors import ConfigError
from or1_trainer.metrics.rollout_log import RolloutRecord
from or1_trainer.toy.tokenizer import character_tokenizer
from or1_trainer.train.chat_rows import chat_row, read_chat_rows
from or1_trainer.train.filter_rollouts import choose

CHATML = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }};\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
MARKED = (
    "{% for m in messages %}{% if m.role == 'assistant' %}<a>{% generation %}{{ m.content }};{% endgeneration %}"
    "{% else %}<u>{{ m.content }};{% endif %}{% endfor %}"
)
STRIPPING = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content if loop.last else m.content[:1] }};{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)
TURNS = [("user", "1+1"), ("assistant", "2"), ("user", "2+2"), ("assistant", "so 4")]


def messages(*turns):
    return [{"role": role, "content": content} for role, content in turns]


def tokenizer(template=None):
    made = character_tokenizer("abcdefghijklmnopqrstuvwxyz0123456789+=;<> \n")
    made.chat_template = template
    return made


def texts(row, made):
    """The whole row, and what of it is trained on."""
    ids = [*row.prompt_ids, *row.response_ids]
    trained = [token for token, own in zip(row.response_ids, row.is_sampled, strict=True) if own]
    return made.decode(ids), made.decode(trained)


@pytest.mark.parametrize(
    ("template", "whole", "trained"),
    [
        (None, "1+12<eos>2+2so 4<eos>", "2<eos>so 4<eos>"),
        (CHATML, "<user>1+1;\n<assistant>2;\n<user>2+2;\n<assistant>so 4;", "2;so 4;"),
        (MARKED, "<u>1+1;<a>2;<u>2+2;<a>so 4;", "2;so 4;"),
    ],
)
def test_what_the_assistant_says_is_trained_on_and_nothing_else(template, whole, trained):
    made = tokenizer(template)
    row = chat_row(messages(*TURNS), made)
    assert texts(row, made) == (whole, trained)
    assert row.is_sampled[0] and row.is_sampled[-1], "the prompt ends where the assistant begins"


def test_a_template_that_changes_earlier_turns_is_refused_where_it_matters():
    made = tokenizer(STRIPPING)
    assert texts(chat_row(messages(("user", "a"), ("assistant", "2")), made), made)[1] == "2;"
    with pytest.raises(ConfigError, match=r"row 7: .*message 1 cannot be found"):
        chat_row(messages(("user", "ab"), ("assistant", "long"), ("user", "cd"), ("assistant", "x")), made, "row 7")


def test_rows_that_are_none_are_named_and_long_ones_left_out(tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [{"messages": messages(*TURNS[:2])}, {"messages": messages(("user", "a"), ("assistant", "b" * 30))}]
    path.write_text("\n".join(json.dumps(row) for row in rows))
    assert len(read_chat_rows([str(path)], tokenizer(), context_tokens=8)) == 1
    with pytest.raises(ConfigError, match=r"2 have more than context_tokens = 1"):
        read_chat_rows([str(path)], tokenizer(), context_tokens=1)
    path.write_text('{"messages": [{"role": "user"}]}')
    with pytest.raises(ConfigError, match=r"rows.jsonl, line 1: messages must be"):
        read_chat_rows([str(path)], tokenizer(), context_tokens=8)
    path.write_text(json.dumps(rows[0]) + "\n" + '{"messages": ')
    with pytest.raises(ConfigError, match=r"rows.jsonl, line 2: not a JSON object"):
        read_chat_rows([str(path)], tokenizer(), context_tokens=8)
    path.write_text(json.dumps({"messages": messages(("user", "a"))}))
    with pytest.raises(ConfigError, match="no message of the assistant"):
        read_chat_rows([str(path)], tokenizer(), context_tokens=8)


def learner_of(runtime, model, budget):
    from or1_trainer.policy.hf_weights.weights import load_hf_weights
    from or1_trainer.policy.model import build_policy
    from or1_trainer.policy.optimizer.build import build_optimizer
    from or1_trainer.train.learner import Learner

    policy = build_policy(model.config, runtime, dtype=torch.float64)
    load_hf_weights(policy, model.state_dict())
    return Learner(
        policy=policy,
        optimizer=build_optimizer(policy, OptimizerSettings(weight_decay=0.0)),
        lr=1e-3,
        runtime=runtime,
        loss=LossSettings(),
        batch=BatchSettings(microbatch_tokens=budget),
        temperature=1.0,
    )


@pytest.mark.parametrize("budget", [16384, 24])
def test_the_loss_and_its_step_are_those_of_transformers(runtime, budget):
    """Whatever the micro-batches: the mean over all tokens of the assistant, and torch's own AdamW."""
    from transformers import Qwen2Config, Qwen2ForCausalLM

    from or1_trainer.train.supervised import learn

    made = tokenizer(CHATML)
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(made), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=1, tie_word_embeddings=True,
        )
    ).double()  # fmt: skip
    learner = learner_of(runtime, model, budget)
    rows = [chat_row(messages(*TURNS), made), chat_row(messages(("user", "3"), ("assistant", "three")), made)]
    metrics = learn(learner, rows)
    losses = []
    for row in rows:
        ids = torch.tensor([[*row.prompt_ids, *row.response_ids]])
        logprobs = model(ids).logits.log_softmax(-1)[0, :-1]
        own = np.concatenate([np.zeros(len(row.prompt_ids), bool), row.is_sampled])[1:]
        losses.append(-logprobs[torch.arange(len(own)), ids[0, 1:]][torch.from_numpy(own)])
    loss = torch.cat(losses).mean()
    assert metrics["sft/loss"] == pytest.approx(loss.item(), rel=1e-9)
    assert (
        metrics["tokens/trained"] == sum(len(one) for one in losses) == sum(int(row.is_sampled.sum()) for row in rows)
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.999), weight_decay=0.0)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    expected = model.state_dict()
    for name, tensor in learner.weights:
        torch.testing.assert_close(tensor.double(), expected[name], rtol=0, atol=1e-6)  # of 1e-3


def record(response, tokens):
    return RolloutRecord(
        problem_id="p", prompt="", response=response, status="correct", reward=1.0, advantage=None,
        finish_reason="stop", num_tokens=tokens, seed=0,
    )  # fmt: skip


def test_the_shortest_responses_or_those_that_differ_are_chosen():
    near, short, far = record("a b c d e", 5), record("a b c d", 4), record("x y z u v w", 9)
    assert choose([near, far, short], 2, "shortest") == [short, near]
    assert choose([near, far, short], 2, "diverse") == [short, far]
    assert choose([near, far, short], 9, "diverse") == [short, far, near]
