"""`or1-rollout generate`: complete, resumable after SIGKILL, clear about bad rows."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

sys.path.append(str(Path(__file__).parent))

from test_embedded_engine import SHAPE, letters_tokenizer


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model")
    torch.manual_seed(0)
    Qwen2ForCausalLM(Qwen2Config(**SHAPE, pad_token_id=0, eos_token_id=1, bos_token_id=None)).save_pretrained(folder)
    letters_tokenizer().save_pretrained(folder)
    return folder


@pytest.fixture
def prompts(tmp_path):
    path = tmp_path / "prompts.jsonl"
    kinds = ["12+7=", [5, 6, 7]]
    path.write_text("".join(json.dumps({"id": f"p{i}", "prompt": kinds[i % 2]}) + "\n" for i in range(200)))
    return path


def command(prompts, out, model, *more):
    return [
        sys.executable, "-m", "or1_rollout.cli", "generate", str(prompts), "-o", str(out), "--model", str(model),
        "-n", "2", "--max-new-tokens", "150", *more,
    ]  # fmt: skip


def test_a_killed_run_goes_on_and_ends_with_the_same_completions(prompts, model, tmp_path):
    whole, killed = tmp_path / "whole.jsonl", tmp_path / "killed.jsonl"
    assert subprocess.run(command(prompts, whole, model), check=False, capture_output=True).returncode == 0
    process = subprocess.Popen(command(prompts, killed, model), stderr=subprocess.DEVNULL)
    while not killed.exists() or not killed.read_bytes():
        assert process.poll() is None
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    with killed.open("a") as file:
        file.write('{"id": "p1')  # as if a line had been cut off
    done = subprocess.run(command(prompts, killed, model), check=False, capture_output=True, text=True)
    assert done.returncode == 0 and "200 of them" not in done.stdout
    by_id = [{row["id"]: row for row in map(json.loads, path.read_text().splitlines())} for path in (whole, killed)]
    assert by_id[0].keys() == by_id[1].keys() and len(killed.read_text().splitlines()) == 200
    for name, row in by_id[0].items():
        for one, other in zip(row["completions"], by_id[1][name]["completions"], strict=True):
            assert one["token_ids"] == other["token_ids"] and one["text"] == other["text"]
            # what else is in a batch moves the last bits of a logit
            assert one["logprobs"] == pytest.approx(other["logprobs"], abs=1e-4)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", ["prompts.jsonl:201", "not JSON"]),
        ('{"id": 1}', [":201", "prompt"]),
        ('{"id": 1, "prompt": [1, "a"]}', [":201", "token ids"]),
        ('{"id": "p0", "prompt": "a"}', [":201", "twice"]),
    ],
)
def test_bad_rows_are_named_before_anything_is_generated(prompts, model, tmp_path, line, words):
    with prompts.open("a") as file:
        file.write(line + "\n")
    done = subprocess.run(command(prompts, tmp_path / "out.jsonl", model), check=False, capture_output=True, text=True)
    assert done.returncode == 2 and not (tmp_path / "out.jsonl").exists()
    assert all(word in done.stderr for word in words) and "Traceback" not in done.stderr
