"""Whole runs of a micro recipe through the command line: learning files, layouts, kills, and bad input."""

import gzip
import json
import signal
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from forked import Forked, torchrun, wait_all
from whole_runs import (
    MICRO,
    assert_same_up_to_rounding,
    environment,
    numbers,
    rows_written,
    run,
    run_ranks,
    start,
    wait_for,
)

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


SHORTER = ("--stages.0.steps", "3", "--stages.1.steps", "1")
"""The first steps are the same; the stages end sooner."""


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "micro.toml"
    path.write_text(RECIPE)
    return str(path)


@pytest.fixture(scope="session")
def whole(cache, once):
    """One undisturbed run."""

    def make(folder):
        (folder / "micro.toml").write_text(RECIPE)
        seen = ("--watch.sinks", '["tensorboard"]', "--profile", "2,8")
        done = run(cache, "train", folder / "micro.toml", "--run-dir", folder / "run", *seen)
        assert "held-out avg@2:" in done.stdout and str(folder / "run" / "report.html") in done.stdout

    return once("micro", make) / "run"


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
    kept = [json.loads(line) for line in next(iter(sorted((whole / "rollouts").iterdir()))).read_text().splitlines()]
    assert all({"prompt", "response", "status", "reward", "advantage", "seed"} <= sample.keys() for sample in kept)
    by_token = [sample for sample in kept if "tokens" in sample]
    assert len({sample["problem_id"] for sample in by_token}) == 1 < len({sample["problem_id"] for sample in kept})
    for sample in by_token:
        assert "".join(sample["tokens"]).removesuffix("<eos>") == sample["response"]
        assert len(sample["tokens"]) == len(sample["logprobs"]) == sample["num_tokens"]
        assert max(sample["logprobs"]) <= 0


def test_the_trace_of_a_step_names_its_phases_and_the_report_links_it(whole):
    traces = sorted(path.name for path in (whole / "trace").iterdir())
    assert traces == ["step_000002_rank0.json.gz", "step_000008_rank0.json.gz"]
    for name in traces:
        events = json.loads(gzip.decompress((whole / "trace" / name).read_bytes()))["traceEvents"]
        spans = {event["name"]: event for event in events if event.get("ph") == "X"}
        step = spans["step"]
        for phase in ("rollout", "verify", "distribute", "update", "sync"):
            assert (
                step["ts"] <= spans[phase]["ts"] <= spans[phase]["ts"] + spans[phase]["dur"] <= step["ts"] + step["dur"]
            )
        assert f'<a href="trace/{name}">' in (whole / "report.html").read_text()
        requests = [event for event in events if event.get("cat") == "engine request"]
        begins, ends = ({e["id"]: e for e in requests if e["ph"] == phase} for phase in "be")
        names = {event["name"] for event in begins.values()}
        assert len(begins) == len(ends) and names >= {"prompt 0 sample 0", "prompt 3 sample 3"}
        for number, begin in begins.items():
            assert step["ts"] <= begin["ts"] < ends[number]["ts"] <= step["ts"] + step["dur"]
            assert begin["args"]["tokens"] >= 1 and begin["args"]["end"] in ("stop", "length")


def test_the_exported_model_loads_in_transformers(whole, cache, tmp_path):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    run(cache, "export", whole, tmp_path / "model")
    for folder in (whole / "model", tmp_path / "model"):
        model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
        ids = tokenizer("3+4=?", return_tensors="pt")["input_ids"]
        assert model(ids).logits.shape == (1, 5, len(tokenizer))


def test_killed_between_steps_and_resumed_the_numbers_are_the_same(whole, cache, recipe, tmp_path):
    folder = tmp_path / "killed"
    process = start(cache, "train", recipe, "--run-dir", folder)
    try:
        wait_for(lambda: rows_written(folder) >= 6, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 6 <= len(numbers(folder)) < 13
    run(cache, "resume", folder)
    assert numbers(folder) == numbers(whole)


@pytest.fixture(scope="session")
def whole_in_float64(cache, once):
    """The same in float64."""

    def make(folder):
        (folder / "micro.toml").write_text(RECIPE)
        run(cache, "train", folder / "micro.toml", "--run-dir", folder / "run", "--model.dtype", "float64")

    return once("micro64", make) / "run"


@pytest.mark.parametrize("layout", ["--parallel.tensor", "--parallel.data"])
def test_two_processes_run_the_same_recipe_with_the_same_numbers(whole, cache, recipe, tmp_path, layout):
    run_ranks(cache, 2, "train", recipe, "--run-dir", tmp_path / "two", layout, "2")
    assert_same_up_to_rounding(numbers(whole)[:7], numbers(tmp_path / "two")[:7])
    assert_same_up_to_rounding(numbers(whole)[7:11], numbers(tmp_path / "two")[7:11], within=2e-2)


@pytest.mark.parametrize("layout", ["--parallel.tensor", "--parallel.data"])
def test_in_float64_they_agree_to_nine_digits(whole_in_float64, cache, recipe, tmp_path, layout):
    dtype = ("--model.dtype", "float64")
    run_ranks(cache, 2, "train", recipe, "--run-dir", tmp_path / "two", layout, "2", *dtype)
    assert_same_up_to_rounding(numbers(whole_in_float64), numbers(tmp_path / "two"), within=1e-9)


def test_nproc_starts_them_itself_also_with_the_tokens_cut_and_layers_recomputed(whole, cache, recipe, tmp_path):
    layout = ("--nproc", "2", "--parallel.tensor", "2", "--parallel.sequence", "true", "--batch.recompute", "true")
    run(cache, "train", recipe, "--run-dir", tmp_path / "two", *layout, "--stages.1.steps", "2")
    assert_same_up_to_rounding(numbers(whole)[:7], numbers(tmp_path / "two")[:7])
    assert_same_up_to_rounding(numbers(whole)[7:8], numbers(tmp_path / "two")[7:8], within=2e-2)


@pytest.mark.slow
def test_torchrun_starts_the_same_run_from_an_empty_cache(whole, recipe, tmp_path):
    folder = tmp_path / "torchrun"
    node = ["--standalone", "--nproc-per-node", "2", "-m", "or1_trainer.cli"]
    arguments = ["train", recipe, "--run-dir", str(folder), "--parallel.data", "2", *SHORTER]
    wait_all([Forked(torchrun, *node, *arguments, env=environment(tmp_path / "cache"))])
    assert len(numbers(folder)) == 5
    assert_same_up_to_rounding(numbers(whole)[:4], numbers(folder)[:4])


def test_a_damaged_checkpoint_is_passed_over(whole, cache, tmp_path):
    import shutil

    folder = tmp_path / "damaged"
    shutil.copytree(whole, folder)
    written = (folder / "checkpoints" / "step_000012" / "tensors").rglob("*.distcp")
    victim = max(written, key=lambda path: path.stat().st_size)
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
        (["warm-start", "smollm2", "warm"], ["smollm2 starts from model.path"]),
        (["resume", "no-such-run"], ["no-such-run", "config.toml"]),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_code_2_or_1(cache, arguments, words, tmp_path):
    done = run(cache, *arguments, cwd=tmp_path, code=1 if arguments[0] == "resume" else 2)
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("--parallel.tensor", "2", "--warm_start.kv_heads", "1"), "heads = 1 of the model; choose from [1]"),
        (("--model.path", "no-such-model"), "hf download"),
        (("--stages.1.mini_prompts", "4"), "stages.1: mini_prompts = 4 does not divide prompts = 6"),
        (("--optimizer.lr", "fast"), "optimizer.lr"),
    ],
)  # fmt: skip
def test_what_cannot_run_is_refused_before_anything_is_made(cache, recipe, tmp_path, settings, words):
    folder = tmp_path / "r"
    done = run(cache, "train", recipe, "--run-dir", folder, *settings, code=2)
    assert words in done.stderr and done.stderr.count("\n") == 1 and not folder.exists()


@pytest.mark.parametrize(
    ("name", "setting", "words"),
    [
        ("rows.jsonl", '--data.train=["{}"]', "rows.jsonl, line 1"),
        ("rows.jsonl", '--data.heldout=["{}"]', "rows.jsonl, line 1"),
        ("rows.parquet", '--data.train=["{}"]', "rows.parquet"),
        ("rows.jsonl", '--data.sources=[{{path="{}", name="mine"}}]', "source 'mine': "),
        ("rows.parquet", '--data.sources=[{{path="{}", name="mine"}}]', "source 'mine': "),
    ],
)
def test_a_broken_problem_row_is_named_before_ranks_start(cache, recipe, tmp_path, name, setting, words):
    rows = tmp_path / name
    rows.write_text('{"data_source": "x", "prompt": []}\n')
    done = run(
        cache, "train", recipe, "--run-dir", tmp_path / "r", "--nproc", "2", setting.format(rows), code=2,
    )  # fmt: skip
    assert words in done.stderr and done.stderr.count("\n") == 1 and not (tmp_path / "r").exists()


def test_a_full_disk_while_checkpointing_keeps_what_was_there(whole, cache, recipe, tmp_path):
    folder = tmp_path / "full"
    done = run(cache, "train", recipe, "--run-dir", folder, code=1, file_bytes=60_000)
    assert "cannot write" in done.stderr and "resume" in done.stderr and "Traceback" not in done.stderr
    assert not list((folder / "checkpoints").glob("step_*"))
    run(cache, "resume", folder)
    assert numbers(folder) == numbers(whole)


def test_ctrl_c_says_how_to_go_on_and_nothing_is_lost(whole, cache, recipe, tmp_path):
    folder = tmp_path / "interrupted"
    process = start(cache, "train", recipe, "--run-dir", folder)
    wait_for(lambda: rows_written(folder) >= 5, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    assert f"or1-trainer resume {folder}" in process.stderr and "Traceback" not in process.stderr
    run(cache, "resume", folder)
    assert numbers(folder) == numbers(whole)
