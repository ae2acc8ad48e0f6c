"""Prompts and responses token-exact between engine and trainer, with a tokenizer made as R1-Distill's is.

Facts of that tokenizer: byte-level BPE; its post-processor puts the begin token in front of whatever is encoded; its
chat template writes the begin token itself, marks turns with `<｜User｜>` and `<｜Assistant｜>`, drops the reasoning of
earlier answers, and opens the new one with `<think>` and a line break, so that a response never contains that tag.
"""

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from or1_data.schema import Problem
from or1_reward import parse_ground_truth, verify
from or1_rollout import SamplingParams
from or1_rollout.engines.transformers import TransformersEngine
from or1_trainer.algorithm.groups import outcomes_of, split_minibatches, with_advantages
from or1_trainer.algorithm.packing import pack
from or1_trainer.config.schema import LossSettings
from or1_trainer.train.distribute import distribute
from or1_trainer.train.exchange import Exchange
from or1_trainer.train.judging import Response
from or1_trainer.train.prompts import PromptEncoder
from or1_trainer.train.rollout_batch import RolloutBatch
from or1_trainer.train.verify import Verifier, verdicts_of

BEGIN, END, USER, ASSISTANT = "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜User｜>", "<｜Assistant｜>"
TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}{{ '" + USER + "' + message['content'] }}"
    "{% elif message['role'] == 'assistant' %}"
    "{{ '" + ASSISTANT + "' + message['content'].split('</think>')[-1] + '" + END + "' }}"
    "{% else %}{{ message['content'] }}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}{{ '" + ASSISTANT + "<think>\\n' }}{% endif %}"
)
CORPUS = ["the answer is 12, so 12 + 12 = 24", "what is 12 + 12?", "\\boxed{24}", "</think>", "<think>\n"] * 20


@pytest.fixture(scope="module")
def tokenizer():
    core = Tokenizer(models.BPE())
    core.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    core.decoder = decoders.ByteLevel()
    special = [BEGIN, END, USER, ASSISTANT]
    trainer = trainers.BpeTrainer(
        vocab_size=340, special_tokens=special, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    core.train_from_iterator(CORPUS, trainer)
    core.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", special_tokens=[(BEGIN, core.token_to_id(BEGIN))]
    )
    made = PreTrainedTokenizerFast(tokenizer_object=core, bos_token=BEGIN, eos_token=END, pad_token=END)
    made.chat_template = TEMPLATE
    return made


@pytest.fixture(scope="module")
def engine(tokenizer):
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, eos_token_id=tokenizer.eos_token_id, bos_token_id=None, pad_token_id=None,
    )  # fmt: skip
    return TransformersEngine(Qwen2ForCausalLM(config), tokenizer)


def problem(*messages):
    return Problem(
        prompt=tuple({"role": role, "content": content} for role, content in messages),
        statement="what is 12 + 12?",
        ground_truth='["24"]',
        ability="math",
        data_source="test",
    )


def test_the_prompt_begins_once_opens_the_reasoning_and_is_the_same_on_both_sides(tokenizer, engine):
    asked = problem(("user", "what is 12 + 12?"))
    ids = list(PromptEncoder(tokenizer).ids(asked))
    assert ids == engine.encode(asked.prompt)
    assert ids.count(tokenizer.bos_token_id) == 1 and ids[0] == tokenizer.bos_token_id
    assert tokenizer.decode(ids) == f"{BEGIN}{USER}what is 12 + 12?{ASSISTANT}<think>\n"
    assert tokenizer.encode("x")[0] == tokenizer.bos_token_id, "plain encoding would have begun it a second time"


def test_without_a_template_the_texts_are_the_prompt_on_both_sides(tokenizer, engine, monkeypatch):
    monkeypatch.setattr(tokenizer, "chat_template", None)
    asked = problem(("system", "answer. "), ("user", "what is 12 + 12?"))
    ids = list(PromptEncoder(tokenizer).ids(asked))
    assert ids == engine.encode(asked.prompt) and tokenizer.decode(ids) == "answer. what is 12 + 12?"


def test_the_reasoning_of_earlier_answers_is_not_in_the_prompt(tokenizer):
    turns = [("user", "hi"), ("assistant", "<think>\nsecret</think>\nhello"), ("user", "what is 12 + 12?")]
    text = tokenizer.decode(list(PromptEncoder(tokenizer).ids(problem(*turns))))
    assert "secret" not in text and f"{ASSISTANT}\nhello{END}" in text


def test_the_ids_trained_on_are_those_sampled_also_where_the_text_would_be_cut_otherwise(tokenizer, engine, runtime):
    asked = problem(("user", "what is 12 + 12?"))
    prompt_ids = PromptEncoder(tokenizer).ids(asked)
    (group,) = engine.generate([prompt_ids], SamplingParams(n=32, max_new_tokens=24, seed=1))
    recut = [c for c in group if tuple(tokenizer.encode(c.text, add_special_tokens=False)) != tuple(c.token_ids)]
    assert recut, "no sample shows the difference"
    ended = [c for c in group if c.token_ids[-1] == tokenizer.eos_token_id]
    assert ended and all(END not in c.text for c in ended), "the end token is trained on and not part of the text"
    verifier = Verifier(1)
    pending = verifier.submit(group, parse_ground_truth(asked.ground_truth))
    own = {0: [Response(completion=c, verdict=v) for c, v in zip(group, verdicts_of(pending), strict=True)]}
    verifier.close()
    outcomes = outcomes_of([group], [[response.verdict for response in own[0]]], len(group))
    groups = with_advantages([asked.id], outcomes, LossSettings(), limits_P=[24])
    rolled = RolloutBatch(problems=[asked], prompts=[prompt_ids], owners=[0], groups=groups, own=own)
    steps = split_minibatches(groups, [0], 0, reject=False)
    (minibatch,) = distribute(rolled, steps, Exchange(runtime), context_tokens=24)
    samples = minibatch.samples
    assert [tuple(s.response_ids) for s in samples] == [tuple(c.token_ids) for c in group]
    batch = pack(samples)
    read = [*prompt_ids, *(token for s in samples for token in s.response_ids[:-1])]  # the last one predicts nothing
    assert batch.token_ids_T.tolist() == read
    assert batch.labels_M.tolist() == [token for c in group for token in c.token_ids]


def test_an_answer_after_the_reasoning_that_the_template_opened_is_graded():
    assert verify("12 and 12, hm</think>\nIt is \\boxed{24}", '["24"]').reward == 1.0
    assert verify("I think of \\boxed{24} and of more", '["24"]', finish_reason="length").reward == 0.0
