"""Whole runs of a micro recipe through the command line: learning files, layouts, kills, and bad input."""

import json
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from whole_runs import MICRO, command, environment, numbers, rows_written, run, wait_for

RECIPE = f"""
name = "micro"
{MICRO}[[stages]]
steps = 6
context_tokens = 20
prompts = 6
group = 6
[[stages]]
steps = 6
context_tokens = 40
prompts = 6
group = 6
mini_prompts = 3
[optimizer]
lr = 1e-3
[batch]
microbatch_tokens = 4096
[eval]
k = 2
every = 4
[checkpoint]
every = 3
"""


@pytest.fixture(scope="session")
def cache(tmp_path_factory, worker_id):
    root = tmp_path_factory.getbasetemp()
    shared = (root if worker_id == "master" else root.parent) / "or1-cache"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "micro.toml"
    path.write_text(RECIPE)
    return str(path)


@pytest.fixture(scope="session")
def whole(cache, tmp_path_factory):
    """One undisturbed run, shared by the tests of this worker."""
    folder = tmp_path_factory.mktemp("whole")
    recipe = folder / "micro.toml"
    recipe.write_text(RECIPE)
    done = run(cache, "train", recipe, "--run-dir", folder / "run", "--watch.sinks", '["tensorboard"]')
    assert "held-out avg@2:" in done.stdout and str(folder / "run" / "report.html") in done.stdout
    return folder / "run"


def test_a_run_leaves_a_folder_that_explains_itself(whole):
    assert {"config.toml", "versions.json", "metrics.jsonl", "report.html", "model", "rollouts", "checkpoints"} <= {
        path.name for path in whole.iterdir()
    }
    rows = numbers(whole)
    assert [row["step"] for row in rows] == list(range(13))
    assert [row["stage/index"] for row in rows[1:]] == [0] * 6 + [1] * 6
    left = [row["stage/problems"] for row in rows[1:]]
    assert left[:6] == [60] * 6 and len(set(left[6:])) == 1 and 0 < left[6] <= 60
    assert [row["step"] for row in rows if "eval/avg" in row] == [0, 4, 8, 12]
    on_policy = [row["policy/ratio_mean"] for row in rows[1:7] if "policy/ratio_mean" in row]
    assert on_policy and set(on_policy) == {1.0}
    assert any(row["policy/ratio_mean"] != 1.0 for row in rows[7:] if row.get("optimizer/steps") == 2)
    assert all(row["mismatch/max_abs"] < 1e-3 for row in rows if "mismatch/max_abs" in row)
    assert [path.name for path in sorted((whole / "checkpoints").glob("step_*"))] == ["step_000009", "step_000012"]
    sample = json.loads(next(iter(sorted((whole / "rollouts").iterdir()))).read_text().splitlines()[0])
    assert {"prompt", "response", "status", "reward", "advantage", "seed"} <= sample.keys()


def test_the_exported_model_loads_in_transformers(whole, cache, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    run(cache, "export", whole, tmp_path / "model")
    for folder in (whole / "model", tmp_path / "model"):
        model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
        ids = tokenizer("3+4=?", return_tensors="pt")["input_ids"]
        assert model(ids).logits.shape == (1, 5, len(tokenizer))


def test_killed_between_steps_and_resumed_the_numbers_are_the_same(whole, cache, recipe, tmp_path):
    folder = tmp_path / "killed"
    process = subprocess.Popen(
        command("train", recipe, "--run-dir", folder), env=environment(cache), stderr=subprocess.DEVNULL
    )
    try:
        wait_for(lambda: rows_written(folder) >= 6, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 6 <= len(numbers(folder)) < 13
    run(cache, "resume", folder)
    assert numbers(folder) == numbers(whole)


@pytest.mark.parametrize(
    "layout",
    [
        ("--parallel.tensor", "2"),
        ("--parallel.data", "2"),
        ("--parallel.tensor", "2", "--parallel.sequence", "true", "--batch.recompute", "true"),
    ],
)
def test_two_processes_run_the_same_recipe_with_the_same_numbers(whole, cache, recipe, tmp_path, layout):
    folder = tmp_path / "two"
    run(cache, "train", recipe, "--run-dir", folder, "--nproc", "2", *layout)
    one, two = numbers(whole), numbers(folder)
    for expected, got in zip(one[:11], two[:11], strict=True):
        for key in ("loss/policy", "loss/total", "optimizer/grad_norm", "policy/entropy", "reward/mean", "eval/avg"):
            if key in expected:
                assert got[key] == pytest.approx(expected[key], rel=2e-3, abs=2e-5), (expected["step"], key)


def test_torchrun_starts_the_same_run_from_an_empty_cache(whole, recipe, tmp_path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m"]
    folder = tmp_path / "torchrun"
    arguments = ["train", recipe, "--run-dir", str(folder), "--parallel.data", "2"]
    done = subprocess.run(
        [*torchrun, "or1_trainer.cli", *arguments],
        env=environment(tmp_path / "cache"), capture_output=True, text=True, timeout=280, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    for expected, got in zip(numbers(whole)[:7], numbers(folder)[:7], strict=True):
        for key in ("loss/total", "policy/entropy", "reward/mean", "eval/avg"):
            if key in expected:
                assert got[key] == pytest.approx(expected[key], rel=2e-3, abs=2e-5), (expected["step"], key)


def test_a_damaged_checkpoint_is_passed_over(whole, cache, tmp_path):
    import shutil

    folder = tmp_path / "damaged"
    shutil.copytree(whole, folder)
    victim = max((folder / "checkpoints" / "step_000012" / "tensors").iterdir(), key=lambda path: path.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 0xFF
    victim.write_bytes(content)
    done = run(cache, "resume", folder)
    assert "step_000012 cannot be used" in done.stderr
    assert numbers(folder) == numbers(whole)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train", "tinny"], ["no recipe", "did you mean tiny"]),
        (["--optimizer.rl", "1"], ["unknown key optimizer.rl", "lr"]),
        (["--stages.0.mini_prompts", "5"], ["does not divide"]),
        (["--nproc", "3", "--parallel.tensor", "2"], ["--nproc"]),
        (["resume", "no-such-run"], ["no-such-run", "config.toml"]),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2_or_1(cache, arguments, words, tmp_path):
    done = subprocess.run(
        command(*arguments),
        env=environment(cache),
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        timeout=120,
    )
    assert done.returncode == (1 if arguments[0] == "resume" else 2) and "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_heads_that_tp_does_not_divide_are_refused_with_the_choices(cache, recipe, tmp_path):
    done = run(
        cache, "train", recipe, "--run-dir", tmp_path / "r", "--nproc", "2", "--parallel.tensor", "2",
        "--warm_start.kv_heads", "1", "--warm_start.steps", "1", code=1,
    )  # fmt: skip
    assert "num_key_value_heads = 1" in done.stderr and "rank" in done.stderr


def test_a_broken_problem_row_is_named(cache, recipe, tmp_path):
    rows = tmp_path / "rows.jsonl"
    rows.write_text('{"data_source": "x", "prompt": []}\n')
    done = run(
        cache, "train", recipe, "--run-dir", tmp_path / "r",
        "--data.train", f'["{rows}"]', "--data.heldout", f'["{rows}"]',
        code=2,
    )  # fmt: skip
    assert "rows.jsonl" in done.stderr and "Traceback" not in done.stderr


def test_a_full_disk_while_checkpointing_keeps_what_was_there(whole, cache, recipe, tmp_path):
    folder = tmp_path / "full"

    def small_files():
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000))

    done = run(cache, "train", recipe, "--run-dir", folder, code=1, preexec_fn=small_files)
    assert "cannot write" in done.stderr and "resume" in done.stderr and "Traceback" not in done.stderr
    assert not list((folder / "checkpoints").glob("step_*"))
    run(cache, "resume", folder)
    assert numbers(folder) == numbers(whole)


def test_ctrl_c_says_how_to_go_on_and_nothing_is_lost(whole, cache, recipe, tmp_path):
    folder = tmp_path / "interrupted"
    process = subprocess.Popen(
        command("train", recipe, "--run-dir", folder), env=environment(cache), stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: rows_written(folder) >= 5, process)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and f"or1-trainer resume {folder}" in said and "Traceback" not in said
    run(cache, "resume", folder)
    assert numbers(folder) == numbers(whole)
