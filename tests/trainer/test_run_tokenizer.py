"""What a model folder must have before a run starts, and what an export keeps of it; on real tokenizers in small."""

import dataclasses
import os
from types import SimpleNamespace

import pytest

from or1_data.arithmetic import ALPHABET, arithmetic_problems
from or1_trainer.config.load import read_recipe
from or1_trainer.errors import ConfigError
from or1_trainer.policy.hf_weights.export import save_hf
from or1_trainer.policy.hf_weights.weights import init_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.toy.tokenizer import character_tokenizer
from or1_trainer.train.prompts import PromptEncoder, check_lengths, check_tokenizer, load_tokenizer

REFUSES = "{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"


@pytest.fixture
def tokenizer():
    return character_tokenizer(ALPHABET)


@pytest.fixture
def problem():
    return next(iter(arithmetic_problems("train", 1, 0)))


def test_a_folder_without_tokenizer_files_is_named(tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "qwen2"}')
    with pytest.raises(ConfigError, match=f"{tmp_path} has no tokenizer: download its tokenizer.json"):
        load_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(ConfigError, match=f"the tokenizer of {tmp_path} cannot be loaded"):
        load_tokenizer(tmp_path)


def test_a_tokenizer_larger_than_the_model_or_without_an_end_is_refused(tokenizer):
    size = len(tokenizer)
    check_tokenizer(tokenizer, SimpleNamespace(vocab_size=size, eos_token_id=None))
    with pytest.raises(ConfigError, match=f"{size} tokens, the model has rows for {size - 1}"):
        check_tokenizer(tokenizer, SimpleNamespace(vocab_size=size - 1, eos_token_id=None))
    tokenizer.eos_token = None
    check_tokenizer(tokenizer, SimpleNamespace(vocab_size=size, eos_token_id=1))
    with pytest.raises(ConfigError, match="every response would be truncated"):
        check_tokenizer(tokenizer, SimpleNamespace(vocab_size=size, eos_token_id=None))


def test_a_prompt_that_leaves_no_room_for_its_response_is_found_at_the_start(tokenizer, problem):
    prompts = PromptEncoder(tokenizer)
    tokens = len(prompts.ids(problem))
    check_lengths(prompts, [problem], 100, 100 + tokens)
    with pytest.raises(ConfigError, match=rf"1 prompts \({problem.id}\) have more than {tokens - 1} tokens"):
        check_lengths(prompts, [problem], 100, 99 + tokens)
    with pytest.raises(ConfigError, match="responses of 100 tokens, the model has 100 positions"):
        check_lengths(prompts, [problem], 100, 100)


def test_a_template_that_refuses_a_system_message_names_the_problem(tokenizer, problem):
    tokenizer.chat_template = REFUSES
    system = dataclasses.replace(problem, prompt=[{"role": "system", "content": "Think."}, *problem.prompt])
    with pytest.raises(ConfigError, match=rf"refuses the prompt of {problem.id} \(roles: system, .*no system role"):
        PromptEncoder(tokenizer).ids(system)


def test_a_recipe_without_a_name_says_which_file(tmp_path):
    (tmp_path / "mine.toml").write_text("seed = 1\n")
    with pytest.raises(ConfigError, match=r"mine\.toml has no 'name'"):
        read_recipe(str(tmp_path / "mine.toml"))


def test_an_export_keeps_the_end_tokens_and_is_readable_by_others(runtime, tmp_path):
    from transformers import AutoConfig

    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    config = AutoConfig.for_model("qwen2", num_hidden_layers=1, vocab_size=40, tie_word_embeddings=True, **sizes)
    policy = build_policy(config, runtime)
    init_weights(policy, seed=0)
    source = tmp_path / "generation_config.json"
    source.write_text('{"eos_token_id": [0, 2, 28]}')
    umask = os.umask(0o022)
    try:
        save_hf(policy, tmp_path / "out", generation_config=source)
    finally:
        os.umask(umask)
    assert (tmp_path / "out" / source.name).read_text() == source.read_text()
    assert (tmp_path / "out" / "model.safetensors").stat().st_mode & 0o777 == 0o644
    save_hf(policy, tmp_path / "plain", generation_config=tmp_path / "absent.json")
    assert not (tmp_path / "plain" / source.name).exists()
