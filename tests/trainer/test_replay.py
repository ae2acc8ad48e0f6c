"""`replay`: a step computed again is identical to the last bit, and a planted fault is named by its first stage."""

import json
import shutil
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from whole_runs import MICRO, run, run_ranks

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


FAULTS = [
    ("seed = 0", "seed = 1", "problems"),
    ("lr = 0.001", "lr = 0.002", "learning rate"),
    ("temperature = 1.0", "temperature = 0.7", "responses"),
    ("target = 0.2", "target = 0.01", "loss"),
    ('template = "bare"', 'template = "{statement} "', "prompts"),
    ("max_grad_norm = 1.0", "max_grad_norm = 1e-3", "weights"),
]


@pytest.mark.parametrize(("setting", "changed", "stage"), FAULTS)
def test_a_changed_setting_is_named_by_the_first_stage_it_changes(cache, copy, setting, changed, stage):
    config = (copy / "config.toml").read_text()
    assert setting in config
    (copy / "config.toml").write_text(config.replace(setting, changed))
    assert f"first in {stage}" in replay(cache, copy, 4, code=1)


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
