"""Rollouts ahead of training: which weights sampled a batch, exact resume with work in flight, pushes that fail."""

import signal
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from whole_runs import MICRO, numbers, rows_written, run, run_ranks, start, wait_for

RECIPE = f"""
name = "ahead"
{MICRO}[[stages]]
steps = 5
context_tokens = 20
prompts = 4
group = 4
[[stages]]
steps = 4
context_tokens = 24
prompts = 4
group = 4
[optimizer]
lr = 1e-3
[loss]
reject_zero_advantage = false
[eval]
k = 2
every = 3
[checkpoint]
every = 3
"""


@pytest.fixture(scope="session")
def whole(once, cache):
    """Ahead by so many -> the folder of an undisturbed run."""

    def make(folder):
        (folder / "ahead.toml").write_text(RECIPE)
        for ahead in (0, 1, 2):
            run(cache, "train", folder / "ahead.toml", "--run-dir", folder / str(ahead), "--rollout.ahead", ahead)

    folder = once("ahead", make)
    return {ahead: folder / str(ahead) for ahead in (0, 1, 2)}


@pytest.fixture(scope="session")
def recipe(whole):
    return whole[0].parent / "ahead.toml"


@pytest.mark.parametrize("ahead", [0, 1, 2])
def test_a_batch_is_as_old_as_the_distance_to_its_fence_and_no_older_than_asked(whole, ahead):
    fences = {0, 3, 5, 6, 9}  # the start, steps behind a checkpoint, the second stage
    for row in numbers(whole[ahead])[1:]:
        step = row["step"] - 1
        age = min(ahead, step - max(fence for fence in fences if fence <= step))
        assert row["rollout/staleness_mean"] == row["rollout/staleness_max"] == age
        assert row["rollout/trained_length_ratio"] > 0


def test_stale_batches_show_in_the_mismatch(whole):
    fresh, stale = numbers(whole[0]), numbers(whole[1])
    assert stale[1] == fresh[1], "the first batch is on-policy either way"
    assert stale[2] != fresh[2]
    assert all(row["mismatch/max_abs"] < 1e-3 for row in fresh if "mismatch/max_abs" in row)
    aged = [row["mismatch/max_abs"] for row in stale if row.get("rollout/staleness_max", 0) > 0]
    assert sum(gap > 1e-3 for gap in aged) >= len(aged) - 1, "at most one step may have had nothing to learn"


def test_killed_with_work_in_flight_and_resumed_the_numbers_are_the_same(recipe, cache, whole, tmp_path):
    process = start(cache, "train", recipe, "--run-dir", tmp_path / "killed", "--rollout.ahead", "2")
    try:
        wait_for(lambda: rows_written(tmp_path / "killed") >= 5, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    run(cache, "resume", tmp_path / "killed")
    assert numbers(tmp_path / "killed") == numbers(whole[2])


def test_two_ranks_roll_out_ahead_without_mixing_their_collectives(recipe, cache, whole, tmp_path):
    run_ranks(cache, 2, "train", recipe, "--run-dir", tmp_path / "two", "--rollout.ahead", "1")
    for expected, got in zip(numbers(whole[1]), numbers(tmp_path / "two"), strict=True):
        for key in ("reward/mean", "policy/entropy", "rollout/staleness_mean", "eval/avg"):
            assert (key in got) == (key in expected)
            assert got.get(key, 0) == pytest.approx(expected.get(key, 0), rel=2e-3, abs=2e-5), (expected["step"], key)
