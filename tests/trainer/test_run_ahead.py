"""Rollouts ahead of training: which weights sampled a batch, exact resume with work in flight, pushes that fail."""

import signal
import sys
from itertools import pairwise
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from whole_runs import MICRO, measured, numbers, rows_written, run, run_ranks, start, wait_for

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
lr = 3e-4
[loss]
reject_zero_advantage = false
[eval]
k = 2
every = 3
[checkpoint]
every = 3
"""


REFILLED = (
    "--rollout.ahead", "2", "--rollout.refill", "1", "--loss.reject_zero_advantage", "true", "--checkpoint.every", "7",
    "--stages.0.advance", '{ rule = "auto", window_steps = 1, gain = 2.0 }',
)  # fmt: skip
"""Settings with which what comes next is only known once a batch is judged."""


@pytest.fixture(scope="session")
def room(once, cache):
    """The recipe, and undisturbed runs: as many batches ahead as their names say, and two with `REFILLED`."""

    def make(folder):
        recipe = folder / "ahead.toml"
        recipe.write_text(RECIPE)
        for ahead in (0, 1, 2):
            run(cache, "train", recipe, "--run-dir", folder / str(ahead), "--rollout.ahead", ahead)
        run(cache, "train", recipe, "--run-dir", folder / "refilled", *REFILLED)

    return once("ahead", make)


@pytest.fixture(scope="session")
def whole(room):
    """Ahead by so many -> the folder of an undisturbed run."""
    return {ahead: room / str(ahead) for ahead in (0, 1, 2)}


@pytest.fixture(scope="session")
def recipe(room):
    return room / "ahead.toml"


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
    assert measured(stale[1]) == pytest.approx(measured(fresh[1]), rel=1e-4, abs=1e-5), (
        "the first batch is on-policy either way"
    )
    assert stale[2] != fresh[2]
    assert all(row["mismatch/max_abs"] < 1e-3 for row in fresh if "mismatch/max_abs" in row)
    after_learning = [
        row for before, row in pairwise(stale[1:]) if row["rollout/staleness_max"] and before["tokens/trained"]
    ]
    assert len(after_learning) > 2 and all(row["mismatch/max_abs"] > 1e-3 for row in after_learning)
    ratios = {row["policy/ratio_mean"] for row in after_learning}
    assert 1.0 not in ratios, "the ratio is against the policy that sampled"


def test_refilled_and_ending_by_itself_nothing_that_was_begun_is_thrown_away(room):
    rows = numbers(room / "refilled")[1:]
    # Two windows of one step are over after the second; batches of two more steps have begun by then.
    assert [row["stage/index"] for row in rows] == [0] * 4 + [1] * 4
    assert [row.get("stage/ended") for row in rows] == [0.0, 0.0, 0.0, 1.0] + [None] * 4
    assert [row["rollout/staleness_max"] for row in rows] == [0, 1, 2, 2, 0, 1, 2, 0]
    assert any(row["refill/rounds"] for row in rows), "the recipe never needed a second round"
    for row in rows:
        with_signal = round(row["group/kept_rate"] * row["refill/drawn"])
        assert row["refill/drawn"] == 4 * (1 + row["refill/rounds"])
        assert row["refill/surplus"] == max(with_signal - 4, 0) and (with_signal >= 4 or row["refill/rounds"] == 1)


@pytest.mark.parametrize(("name", "settings"), [("2", ("--rollout.ahead", "2")), ("refilled", REFILLED)])
def test_killed_with_work_in_flight_and_resumed_the_numbers_are_the_same(room, cache, tmp_path, name, settings):
    folder = tmp_path / "killed"
    process = start(cache, "train", room / "ahead.toml", "--run-dir", folder, *settings)
    try:
        wait_for(lambda: rows_written(folder) >= 5, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    run(cache, "resume", folder)
    assert numbers(folder) == numbers(room / name)


def test_two_ranks_roll_out_ahead_without_mixing_their_collectives(recipe, cache, whole, tmp_path):
    run_ranks(cache, 2, "train", recipe, "--run-dir", tmp_path / "two", "--rollout.ahead", "1")
    for expected, got in zip(numbers(whole[1]), numbers(tmp_path / "two"), strict=True):
        for key in ("reward/mean", "policy/entropy", "rollout/staleness_mean", "eval/avg"):
            assert (key in got) == (key in expected)
            assert got.get(key, 0) == pytest.approx(expected.get(key, 0), rel=2e-3, abs=2e-5), (expected["step"], key)
