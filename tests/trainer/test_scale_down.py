"""Each recipe of the report, whole, scaled down: stages, mini-batches, filter, evaluation, checkpoints, export."""

import json
import sys
import tomllib
from pathlib import Path

import pytest
import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

sys.path.append(str(Path(__file__).parent))
from whole_runs import numbers, run

from or1_trainer.config.check import check
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.errors import ConfigError
from or1_trainer.plan.read_shape import known_models, read_model_config
from or1_trainer.plan.shape import Shape
from or1_trainer.toy.scale_down import scaled_down
from or1_trainer.toy.scaled_model import tiny_config

PAPER_STAGES = {  # Tables 10 to 12: (steps, context in K tokens, prompts, mini-batch, group)
    "or1-math-7b": [(740, 8, 256, 128, 16), (1000, 16, 256, 128, 16), (340, 32, 256, 128, 16), (80, 32, 128, 64, 64)],
    "or1-7b": [(660, 16, 256, 256, 16), (660, 32, 160, 160, 32)],
    "or1-32b": [(760, 16, 256, 256, 16), (370, 24, 160, 160, 32)],
}
PARAMETERS = {  # as published on the hub, in 1e9
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B": 1.78,
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-7B": 7.62,
    "deepseek-ai/DeepSeek-R1-Distill-Qwen-32B": 32.8,
    "deepseek-ai/DeepSeek-R1-Distill-Llama-8B": 8.03,
}


@pytest.mark.parametrize("name", PAPER_STAGES)
def test_recipes_are_those_of_the_paper(name):
    config = resolve(read_recipe(name))
    check(config, config.parallel.tensor)
    assert [
        (s.steps, s.context_tokens // 1024, s.prompts, s.mini_prompts or s.prompts, s.group) for s in config.stages
    ] == PAPER_STAGES[name]
    assert all(s.context_tokens % 1024 == 0 for s in config.stages)
    loss, entropy = config.loss, config.entropy
    assert (loss.clip_low, loss.clip_high, loss.kl_beta, loss.reuse, loss.advantage_mask) == (0.2, 0.2, 0.0, 1, "none")
    assert (entropy.mode, entropy.target, entropy.delta, entropy.initial) == ("adaptive", 0.2, 0.005, 0.0)
    assert (config.optimizer.lr, config.rollout.temperature, config.rollout.top_p) == (1e-6, 1.0, 1.0)
    assert loss.reject_zero_advantage and config.model.path in known_models()


def parameters_by_transformers(config):
    options = {key: value for key, value in config.items() if key != "model_type"}
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(AutoConfig.for_model(config["model_type"], **options))
    return sum(parameter.numel() for parameter in model.parameters())


@pytest.mark.parametrize("name", PARAMETERS)
def test_known_shapes_count_as_transformers_does_and_as_published(name):
    config = known_models()[name]
    assert Shape.of(config).parameters == parameters_by_transformers(config)
    assert round(Shape.of(config).parameters / 1e9, 2) == pytest.approx(PARAMETERS[name], abs=0.05)


@pytest.mark.parametrize("family", ["qwen2", "qwen3", "llama"])
@pytest.mark.parametrize("tied", [False, True])
def test_a_tiny_model_keeps_the_features_of_its_family(family, tied):
    whole = {**known_models()["deepseek-ai/DeepSeek-R1-Distill-Llama-8B"], "model_type": family}
    whole["tie_word_embeddings"] = tied
    tiny = tiny_config(whole, 40)
    small, large = Shape.of(tiny), Shape.of(whole)
    assert small.parameters == parameters_by_transformers(tiny) < 2e5
    assert small.heads // small.kv_heads == large.heads // large.kv_heads == 4
    assert (small.is_tied, small.has_qkv_bias, small.has_qk_norm) == (tied, family == "qwen2", family == "qwen3")
    assert tiny["rope_scaling"]["rope_type"] == "llama3"


def test_an_unknown_model_is_named_with_the_nearest():
    with pytest.raises(ConfigError, match=r"did you mean deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"):
        read_model_config("DeepSeek-R1-Distil-Qwen-7B")
    with pytest.raises(ConfigError, match="gpt2"):
        Shape.of({"model_type": "gpt2"})
    with pytest.raises(ConfigError, match="intermediate_size"):
        Shape.of({"model_type": "qwen2", "num_attention_heads": 2, "hidden_size": 4, "num_hidden_layers": 1})


def test_what_is_not_in_the_table_stays(tmp_path):
    before = resolve(read_recipe("or1-math-7b"))
    after = scaled_down(before)
    assert [(s.steps, s.context_tokens, s.prompts, s.mini_prompts, s.group) for s in after.stages] == [
        (7, 16, 16, 8, 4), (10, 32, 16, 8, 4), (3, 64, 16, 8, 4), (1, 64, 8, 4, 16),
    ]  # fmt: skip
    for part in ("loss", "entropy", "optimizer", "mismatch", "watch", "seed"):
        assert getattr(after, part) == getattr(before, part)
    assert (after.eval.k, after.eval.temperature, after.checkpoint.keep) == (2, 1.0, before.checkpoint.keep)


@pytest.mark.parametrize("name", PAPER_STAGES)
def test_the_recipe_runs_whole(name, cache, tmp_path):
    done = run(cache, "train", name, "--scale-down", "--run-dir", tmp_path / "run", "--optimizer.lr", "1e-3")
    config = tomllib.loads((tmp_path / "run" / "config.toml").read_text())
    rows = numbers(tmp_path / "run")
    steps = [stage["steps"] for stage in config["stages"]]
    assert [row["stage/index"] for row in rows[1:]] == [i for i, count in enumerate(steps) for _ in range(count)]
    assert done.stderr.count("were always solved and are dropped") == len(steps) - 1
    for row in rows[1:]:
        stage = config["stages"][row["stage/index"]]
        assert row["response/length_max"] <= stage["context_tokens"] == row["stage/context_tokens"]
    learnt = [row for row in rows if "loss/policy" in row]
    assert learnt, "no group had an advantage: the run exercised nothing"
    assert any(0 < row["reward/truncated_rate"] < 1 for row in rows[1:])
    assert rows[0]["eval/avg"] is not None and "eval/avg" in rows[-1]
    assert sorted((tmp_path / "run" / "checkpoints").iterdir()) and (tmp_path / "run" / "report.html").is_file()
    model = AutoModelForCausalLM.from_pretrained(tmp_path / "run" / "model")
    ratio = {"or1-32b": 5}.get(name, 7)
    assert model.config.num_attention_heads == ratio * model.config.num_key_value_heads
    assert model.model.layers[0].self_attn.q_proj.bias is not None
    start = AutoModelForCausalLM.from_pretrained(config["model"]["path"])
    assert not torch.equal(start.lm_head.weight, model.lm_head.weight), "the policy was trained"
    assert len(AutoTokenizer.from_pretrained(tmp_path / "run" / "model")) == model.config.vocab_size


def test_it_runs_on_problem_files_of_maths_and_code(shared_data, cache, tmp_path):
    aime = shared_data / "skywork_or1" / "or1_data__eval__aime24.parquet"
    code = {
        "data_source": "own",
        "prompt": [{"role": "user", "content": "Print the double of n."}],
        "ability": "code",
        "reward_model": {"style": "rule", "ground_truth": json.dumps({"inputs": ["3\n"], "outputs": ["6\n"]})},
        "extra_info": {"index": 0},
    }
    (tmp_path / "code.jsonl").write_text(json.dumps(code) + "\n")
    files = json.dumps([str(aime), str(tmp_path / "code.jsonl")])
    run(
        cache, "train", "or1-7b", "--scale-down", "--run-dir", tmp_path / "run", "--data.train", files,
        "--data.heldout", json.dumps([str(aime)]), "--stages.0.steps", "2", "--stages.1.steps", "1",
    )  # fmt: skip
    rows = numbers(tmp_path / "run")
    assert [row["step"] for row in rows] == [0, 1, 2, 3] and rows[-1]["reward/mean"] == 0


def test_a_recipe_of_the_report_without_its_model_says_what_to_do(cache, tmp_path):
    done = run(cache, "train", "or1-7b", "--run-dir", tmp_path / "run", "--parallel.tensor", "1", code=2)
    assert "hf download" in done.stderr and "--model.path DIR" in done.stderr
