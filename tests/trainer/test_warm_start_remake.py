"""The shipped warm start can be made again: the remake solves as many problems, up to the error of the measurement.

Takes minutes on two quiet cores, so it runs where it is asked for:

    OR1_REMAKE=1 uv run pytest -n 0 tests/trainer/test_warm_start_remake.py
"""

import os

import pytest

from or1_eval import Problem, Sampling, Task, evaluate
from or1_reward import Grader
from or1_reward.maths import TRAINING
from or1_rollout.engines.transformers import TransformersEngine
from or1_trainer.cli import main
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.toy.cache import warm_start_folder
from or1_trainer.train.problems import load_problems

pytestmark = pytest.mark.skipif(not os.environ.get("OR1_REMAKE"), reason="takes minutes; set OR1_REMAKE=1")


def test_a_remake_is_as_good_as_the_shipped_one(tmp_path):
    config = resolve(read_recipe("tiny"))
    assert main(["warm-start", "tiny", str(tmp_path / "remade")]) == 0
    reports = [score(folder, config) for folder in (warm_start_folder(config.warm_start), tmp_path / "remade")]
    shipped, remade = (report.avg for report in reports)
    noise = max(report.high - report.low for report in reports)
    assert 0.3 < shipped < 0.6 and abs(shipped - remade) < noise


def score(folder, config):
    engine = TransformersEngine.load(folder)
    problems = tuple(
        Problem(id=p.id, prompt=engine.encode(list(p.prompt)), ground_truth=p.ground_truth)
        for p in load_problems(config.data)[1]
    )
    tokens = config.stages[-1].context_tokens
    task = Task(name="heldout", problems=problems, sampling=Sampling(n=8, max_new_tokens=tokens, temperature=1.0))
    return evaluate(task, engine, k=8, verify=Grader(TRAINING).verify)
