"""Refill, stages that end by themselves, falling rates, the best checkpoint, another layout: together, and killed."""

import json
import random
import signal
import sys
import time
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM

sys.path.append(str(Path(__file__).parent))
from whole_runs import MICRO, numbers, rows_written, run, run_ranks, start, wait_for

RECIPE = f"""
name = "extended"
{MICRO}[[stages]]
steps = 9
context_tokens = 20
prompts = 5
group = 4
advance = {{ rule = "auto", window_steps = 3, gain = 2.0 }}
[[stages]]
steps = 9
context_tokens = 40
prompts = 5
group = 4
[rollout]
refill = 2
[optimizer]
lr = 1e-3
schedule = "cosine"
warmup_steps = 2
final_share = 0.1
[eval]
k = 2
every = 4
[checkpoint]
every = 2
keep = 1
"""


@pytest.fixture(scope="session")
def room(once, cache):
    """The recipe, and an undisturbed run of it in `whole`."""

    def make(folder):
        (folder / "extended.toml").write_text(RECIPE)
        done = run(cache, "train", folder / "extended.toml", "--run-dir", folder / "whole")
        assert "stage 1 has converged and ends after step 6" in done.stderr

    return once("extended", make)


@pytest.fixture(scope="session")
def whole(room):
    return room / "whole"


def test_a_settled_stage_ends_and_the_next_one_has_its_own_count(whole):
    rows = numbers(whole)
    assert [row["step"] for row in rows] == list(range(16))
    assert [row["stage/index"] for row in rows[1:]] == [0] * 6 + [1] * 9
    assert [row.get("stage/ended") for row in rows[1:]] == [0.0] * 5 + [1.0] + [None] * 9
    assert "eval/avg" in rows[-1] and (whole / "report.html").exists()


def test_the_rate_follows_the_schedule(whole):
    rates = [row["optimizer/lr"] for row in numbers(whole) if "optimizer/lr" in row]
    assert rates[:2] == [5e-4, 1e-3] and rates[1:] == sorted(rates[1:], reverse=True) and 1e-4 <= rates[-1] < 6e-4


def test_refill_draws_until_the_batch_is_full_and_no_longer(whole):
    rows = numbers(whole)[1:]
    assert any(row["refill/rounds"] for row in rows), "the recipe never needed a second round"
    for row in rows:
        with_signal = round(row["group/kept_rate"] * row["refill/drawn"])
        assert row["refill/drawn"] == 5 * (1 + row["refill/rounds"])
        assert row["refill/surplus"] == max(with_signal - 5, 0)
        assert with_signal >= 5 or row["refill/rounds"] == 2
        before_last_round = with_signal - 5  # even if the whole last round had one
        assert row["refill/rounds"] == 0 or before_last_round < 5


def test_newest_and_best_checkpoint_stay_and_either_is_exported(whole, cache, tmp_path):
    names = sorted(path.name for path in (whole / "checkpoints").iterdir())
    averages = {row["step"]: row["eval/avg"] for row in numbers(whole) if "eval/avg" in row and row["step"]}
    at_checkpoints = {step: avg for step, avg in averages.items() if step % 2 == 0 or step == 15}
    best = max(at_checkpoints, key=lambda step: (at_checkpoints[step], step))
    assert names == sorted({f"step_{best:06d}", "step_000015"})
    run(cache, "export", whole, tmp_path / "best", "--best")
    exported = AutoModelForCausalLM.from_pretrained(tmp_path / "best").state_dict()
    newest = AutoModelForCausalLM.from_pretrained(whole / "model").state_dict()
    same = all(bool((exported[name] == tensor).all()) for name, tensor in newest.items())
    assert same == (best == 15)


def test_killed_again_and_again_the_run_ends_with_the_same_numbers(whole, room, cache, tmp_path):
    """Kills at random moments of a step; `benchmarks/fifty_kills.py` does fifty."""
    folder, moments = tmp_path / "killed", random.Random(3)
    arguments = ("train", room / "extended.toml", "--run-dir", folder)
    for _ in range(3):
        process = start(cache, *arguments)
        seen = rows_written(folder)
        wait_for(lambda seen=seen: rows_written(folder) >= seen + 3, process)
        time.sleep(moments.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        process.wait()
        arguments = ("resume", folder)
    run(cache, "resume", folder)
    assert numbers(folder) == numbers(whole)


def test_a_run_goes_on_in_another_layout_equal_up_to_rounding(whole, room, cache, tmp_path):
    folder = tmp_path / "moved"
    process = start(cache, "train", room / "extended.toml", "--run-dir", folder)
    wait_for(lambda: rows_written(folder) >= 6, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    state = max((folder / "checkpoints").glob("step_*")) / "state.json"
    done = json.loads(state.read_text())["step"]
    run_ranks(cache, 2, "resume", folder, "--parallel.tensor", "2")
    assert numbers(folder)[: done + 1] == numbers(whole)[: done + 1]
    for expected, got in zip(numbers(whole)[done + 1 :], numbers(folder)[done + 1 :], strict=True):
        for key in ("loss/policy", "optimizer/grad_norm", "policy/entropy", "reward/mean", "stage/index"):
            assert got.get(key, 0) == pytest.approx(expected.get(key, 0), rel=5e-3, abs=5e-5), (expected["step"], key)
    run(cache, "export", folder, tmp_path / "model")  # in one process, though the run had two
    weights = [
        AutoModelForCausalLM.from_pretrained(path).state_dict() for path in (tmp_path / "model", folder / "model")
    ]
    assert all(bool((weights[0][name] == tensor).all()) for name, tensor in weights[1].items())


def test_only_the_layout_may_change_at_resume(whole, cache):
    done = run(cache, "resume", whole, "--loss.clip_low", "0.1", code=2)
    assert "--loss.clip_low" in done.stderr and "--parallel" in done.stderr
    done = run(cache, "resume", whole, "--parallel.tensor", "3", "--nproc", "2", code=2)
    assert "parallel.tensor = 3" in done.stderr


def test_what_does_not_go_together_is_refused_at_once(room, cache, tmp_path):
    change = ("--loss.reject_zero_advantage", "false")
    done = run(cache, "train", room / "extended.toml", "--run-dir", tmp_path / "run", *change, code=2)
    assert "rollout.refill" in done.stderr and not (tmp_path / "run").exists()


def test_a_misspelt_flag_is_named_with_the_nearest(room, cache):
    done = run(cache, "train", room / "extended.toml", "--scal-down", code=2)
    assert "--scal-down needs a value (did you mean --scale-down?)" in done.stderr
