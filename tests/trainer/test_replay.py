"""`replay`: a step computed again is identical to the last bit, and a planted fault is named by its first stage."""

import json
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
import tomli_w

sys.path.append(str(Path(__file__).parent))
from forked import Forked
from planted_faults import command_line_with
from whole_runs import MICRO, environment, run, run_ranks

from or1_trainer.cli import main
from or1_trainer.metrics.log import read_metrics
from or1_trainer.report.diff import divergence
from or1_trainer.report.read_run import read_run
from or1_trainer.train.run_folder import read_config

RECIPE = f"""
name = "replayed"
{MICRO}[[stages]]
steps = 4
context_tokens = 20
prompts = 4
group = 4
[[stages]]
steps = 4
context_tokens = 32
prompts = 6
group = 4
mini_prompts = 3
[rollout]
refill = 1
ahead = 2
[optimizer]
lr = 1e-3
[eval]
k = 2
every = 4
[checkpoint]
every = 3
keep = 9
[watch]
rollout_share = 0.5
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "replayed.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def finished(cache, recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "finished"
    run(cache, "train", recipe, "--run-dir", folder)
    return folder


@pytest.fixture
def copy(finished, tmp_path):
    """A run folder to plant faults in."""
    return shutil.copytree(finished, tmp_path / "copy")


def replay(cache, folder, step, *more, code=0):
    process = run(cache, "replay", folder, "--step", step, *more, code=code)
    return process.stdout + process.stderr


@pytest.mark.parametrize("step", [3, 8])
def test_steps_from_the_start_and_from_a_checkpoint_are_identical(cache, finished, step):
    """With asynchronous rollouts, refill, mini-batches, a change of stage and an evaluation in between."""
    before = {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()}
    said = replay(cache, finished, step)
    assert f"replaying steps {1 if step == 3 else 7} to {step} " in said and "identical" in said
    assert {path: path.read_bytes() for path in finished.rglob("*") if path.is_file()} == before


def test_two_tensor_ranks_are_identical(cache, recipe, tmp_path):
    folder = tmp_path / "cut"
    run_ranks(cache, 2, "train", recipe, "--run-dir", folder, "--parallel.tensor", 2, "--stages.0.steps", 1,
              "--stages.1.steps", 1)  # fmt: skip
    assert "identical: steps 0 to 2" in replay(cache, folder, 2)


def test_a_sample_is_shown(cache, finished):
    said = replay(cache, finished, 2, "--sample", "3,1")
    assert "identical" in said and "advantage" in said


SETTINGS = [
    ("seed", 1, 8, "problems"),
    ("data.arithmetic.seed", 1, 8, "problems"),
    ("data.template", "{statement} ", 8, "prompts"),
    ("rollout.temperature", 0.7, 8, "responses"),
    ("rollout.top_p", 0.9, 8, "responses"),
    ("stages.1.context_tokens", 31, 8, "responses"),
    ("rollout.refill", 0, 8, "refill"),
    ("loss.overlong_buffer_tokens", 24, 8, "advantages"),
    ("loss.normalize_std", False, 8, "advantages"),
    ("optimizer.lr", 2e-3, 4, "learning rate"),
    ("entropy.target", 0.01, 4, "loss"),
    ("loss.aggregate", "sequence", 4, "loss"),
    ("loss.clip_low", 1e-3, 8, "loss"),
    ("stages.1.mini_prompts", 2, 8, "loss"),
    ("batch.microbatch_tokens", 64, 8, "loss"),
    ("optimizer.max_grad_norm", 1e-3, 4, "weights"),
    ("optimizer.weight_decay", 0.02, 4, "weights"),
    ("optimizer.beta2", 0.99, 4, "weights"),
    ("eval.temperature", 0.5, 8, "evaluation"),
]
"""Setting, its other value, the step to replay (steps 1 to 4 have one optimizer step), and the stage."""


@pytest.mark.parametrize(("key", "value", "step", "stage"), SETTINGS)
def test_a_changed_setting_is_named_by_the_first_stage_it_changes(cache, copy, key, value, step, stage):
    change_setting(copy, key, value)
    assert f"first in {stage}\n" in replay(cache, copy, step, code=1)


def change_setting(folder, key, value):
    """As if the recipe had been another one."""
    tree = tomllib.loads((folder / "config.toml").read_text())
    place, (*path, name) = tree, key.split(".")
    for part in path:
        place = place[int(part)] if isinstance(place, list) else place[part]
    assert place[name] != value
    place[name] = value
    (folder / "config.toml").write_text(tomli_w.dumps(tree))


PROGRAM = [
    ("stale_weights", 5, "responses"),
    ("changed_token", 7, "responses"),
    ("changed_logprob", 7, "log-probs"),
    ("lenient_verifier", 7, "verdicts"),
    ("lost_moments", 4, "weights"),
    ("lost_place_in_the_data", 7, "problems"),
    ("lost_entropy_coefficient", 7, "loss"),
]


@pytest.mark.parametrize(("fault", "step", "stage"), PROGRAM)
def test_a_fault_of_the_program_is_named_by_the_first_stage_it_changes(cache, copy, fault, step, stage):
    if fault == "stale_weights":
        shutil.rmtree(copy / "checkpoints")  # a resume sends what the checkpoint has
    words = [fault, "replay", str(copy), "--step", str(step)]
    process = Forked(command_line_with, *words, env=environment(cache))
    assert process.wait(120) == 1, process.stderr
    assert f"first in {stage}\n" in process.stdout


def test_a_changed_record_is_named(cache, copy):
    """As if the run had computed something else: each stage's hash and number in turn."""
    rows = read_metrics(copy / "metrics.jsonl")
    stages = {
        "hash/responses": "responses", "hash/logprobs": "log-probs", "hash/verdicts": "verdicts",
        "hash/advantages": "advantages", "loss/total": "loss", "optimizer/grad_norm": "gradient norm",
        "hash/weights": "weights", "eval/avg": "evaluation",
    }  # fmt: skip
    again = copy.parent / "again"
    replay(cache, copy, 8, "--out", again)
    for key, stage in stages.items():
        changed = [{**row, key: "0" if key.startswith("hash") else 0.123} if row["step"] == 8 else row for row in rows]
        (copy / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in changed))
        found = divergence(read_run(copy), read_run(again))
        assert found is not None and (found.step, found.stage) == (8, stage)


def test_a_replay_never_writes_into_a_run(finished, capsys):
    before = (finished / "metrics.jsonl").read_bytes()
    assert main(["replay", str(finished), "--step", "1", "--out", str(finished)]) == 2
    assert "is not empty" in capsys.readouterr().err
    assert (finished / "metrics.jsonl").read_bytes() == before


def test_bad_arguments_say_what_there_is(finished, capsys):
    assert main(["replay", str(finished), "--step", "99"]) == 2
    assert "has steps 1 to 8" in capsys.readouterr().err
    assert main(["replay", str(finished), "--step", "1", "--sample", "x"]) == 2
    assert main(["replay", str(finished / "nowhere"), "--step", "1"]) == 1
    assert "is not a run folder" in capsys.readouterr().err
    assert read_config(finished).name == "replayed"
