"""Training with a tool: samples token by token, a killed run goes on exactly, a step is replayed to the last bit."""

import json
import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.append(str(Path(__file__).parent))
from forked import start_workers, wait_all
from whole_runs import MICRO, assert_same_up_to_rounding, numbers, rows_written, run, run_ranks, start, wait_for

from or1_data.schema import Problem
from or1_rollout.environments import MultiTurnEngine, SingleTurn
from or1_rollout.types import Completion, FinishReason, SamplingParams, Segment
from or1_trainer.algorithm.packing import Sample, pack
from or1_trainer.config.check import check
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.errors import ConfigError
from or1_trainer.metrics.log import read_metrics
from or1_trainer.metrics.rollout_log import read_rollouts, rollout_files
from or1_trainer.toy.tokenizer import character_tokenizer
from or1_trainer.train.prompts import PromptEncoder, row_of

RECIPE = f"""
name = "tools"
{MICRO}
[environment]
tools = ["calculator"]
format = "asked"
turns = 2
observation_tokens = 6
[[stages]]
kind = "sft"
rows = ["generated:calculator"]
steps = 30
prompts = 32
lr = 5e-3
context_tokens = 40
[[stages]]
steps = 4
context_tokens = 20
prompts = 6
group = 6
[optimizer]
lr = 1e-3
[eval]
k = 2
every = 32
[checkpoint]
every = 2
keep = 99
[watch]
rollout_share = 1.0
"""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("recipe") / "tools.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def finished(cache, recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "finished"
    run(cache, "train", recipe, "--run-dir", folder)
    return folder


def test_every_sample_is_rebuilt_from_its_transcript(cache, recipe, finished, tmp_path):
    (process,) = start_workers(
        "tool_samples.py", 1, OR1_TEST_RECIPE=str(recipe), OR1_TEST_FOLDER=str(tmp_path), OR1_CACHE=str(cache)
    )
    wait_all([process])
    samples, observed, _, longest = map(int, re.findall(r"\d+", process.stdout.splitlines()[-1]))
    assert samples > 0 and observed > 0, "there was nothing to compare"
    assert longest > 0


def test_the_tool_is_called_and_its_answers_are_not_trained_on(finished):
    rows = [row for row in read_metrics(finished / "metrics.jsonl") if "tokens/observed" in row]
    assert len(rows) == 4
    assert all(row["tokens/observed"] > 0 for row in rows)
    records = [record for _, path in rollout_files(finished) for record in read_rollouts(path)]
    told = [match for record in records for match in re.finditer(r"(\d+)([-+])(\d+)=\?(-?\d+);", record.response)]
    right = [int(a) + int(sign + b) == int(answer) for a, sign, b, answer in (match.groups() for match in told)]
    assert sum(right) > 10, "the policy cannot add that well by itself"
    assert all(record.num_tokens <= 20 for record in records)


def test_a_killed_run_goes_on_exactly(cache, recipe, finished, tmp_path):
    folder = tmp_path / "killed"
    process = start(cache, "train", recipe, "--run-dir", folder)
    wait_for(lambda: rows_written(folder) >= 34, process)  # the row of the start, 30 lessons, and three of rewards
    process.kill()
    process.wait(60)
    run(cache, "resume", folder)
    assert numbers(folder) == numbers(finished)  # hashes of tokens, log-probs and weights among them


def test_a_step_is_replayed_to_the_last_bit(cache, finished, tmp_path):
    done = run(cache, "replay", finished, "--step", 34, "--out", tmp_path / "again")
    assert "identical" in done.stdout


@pytest.fixture(scope="module")
def finished_in_float64(cache, recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs") / "float64"
    run(cache, "train", recipe, "--run-dir", folder, *FLOAT64)
    return folder


FLOAT64 = ("--model.dtype", "float64", "--stages.0.steps", "20", "--stages.1.steps", "2", "--eval.every", "22")


@pytest.mark.parametrize("layout", ["--parallel.tensor", "--parallel.data"])
def test_two_processes_sample_the_same_tokens_with_the_same_answers(
    finished_in_float64, cache, recipe, tmp_path, layout
):
    run_ranks(cache, 2, "train", recipe, "--run-dir", tmp_path / "two", layout, "2", *FLOAT64)
    one, two = numbers(finished_in_float64), numbers(tmp_path / "two")
    assert_same_up_to_rounding(one, two, within=1e-9)
    assert sum(row.get("tokens/observed", 0) for row in one) > 0
    for expected, got in zip(one, two, strict=True):
        for key in ("hash/responses", "hash/verdicts", "tokens/observed", "tokens/sampled"):
            assert got.get(key) == expected.get(key), (expected["step"], key)
    assert said(tmp_path / "two") == said(finished_in_float64)


def said(folder):
    """All responses of a run, with what the tool answered."""
    records = [record for _, path in rollout_files(folder) for record in read_rollouts(path)]
    return sorted((record.seed, record.problem_id, record.response, record.num_tokens) for record in records)


def observed_sample(advantage=1.0):
    return Sample(
        prompt_ids=[1, 2],
        response_ids=[3, 4, 5, 6, 7],
        advantage=advantage,
        engine_logprobs=[-0.1, -0.2, 0.0, 0.0, -0.5],
        teacher_logprobs=[-1.0, -2.0, -3.0, -4.0, -5.0],
        is_sampled=np.array([True, True, False, False, True]),
    )


def test_observations_are_context_alone():
    batch = pack([observed_sample(), Sample(prompt_ids=[1, 2], response_ids=[8], advantage=-1.0)])
    assert batch.token_ids_T.tolist() == [1, 2, 3, 4, 5, 6]  # the observation is attended to
    assert batch.labels_M.tolist() == [3, 4, 7, 8]
    assert batch.token_ids_T[batch.source_M].tolist() == [2, 3, 6, 2]
    assert batch.lengths_B.tolist() == [3, 1]
    assert batch.sequence_M.tolist() == [0, 0, 0, 1]
    assert batch.advantages_M.tolist() == [1.0, 1.0, 1.0, -1.0]
    alone = pack([observed_sample()])
    assert torch.allclose(alone.engine_logprobs_M, torch.tensor([-0.1, -0.2, -0.5]))
    assert alone.teacher_logprobs_M.tolist() == [-1.0, -2.0, -5.0]


def test_the_last_turn_is_judged():
    segments = (
        Segment(text="12+7=?", num_tokens=3, is_sampled=True),
        Segment(text="\\boxed{19};", num_tokens=2, is_sampled=False),
        Segment(text="so ", num_tokens=1, is_sampled=True, ends_turn=False, weight_version=1),
        Segment(text="what?", num_tokens=1, is_sampled=True, weight_version=2),
    )
    completion = Completion(
        token_ids=range(7), logprobs=None, text="", finish_reason=FinishReason.STOP, segments=segments
    )
    assert completion.last_turn == "so what?"
    assert completion.versions_T.tolist() == [0, 0, 0, 0, 0, 1, 2]
    assert completion.is_sampled_T.tolist() == [True] * 3 + [False] * 2 + [True] * 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ('make = "some.module:name"', "both given"),
        ('tools = ["search"]', "search_folder"),
        ("turn = 3", "turns"),
        ("[rollout]\npiece_tokens = 4", "rollout.ahead"),
    ],
)
def test_settings_that_cannot_be_are_named(recipe, tmp_path, change, message):
    path = tmp_path / "broken.toml"
    lines = RECIPE.replace('tools = ["calculator"]\n', "") if change.startswith("tools") else RECIPE
    if change.startswith("["):
        path.write_text(f"{lines}{change}\n")
    else:
        path.write_text(lines.replace("[environment]\n", f"[environment]\n{change}\n"))
    with pytest.raises(ConfigError, match=message):
        check(resolve(read_recipe(str(path))), 1)


def test_new_weights_come_while_responses_are_sampled(cache, tmp_path):
    """Single turns in pieces: the run ends, its samples are of known versions, and the loss has their log-probs."""
    recipe, folder = tmp_path / "partial.toml", tmp_path / "run"
    head, _, tail = RECIPE.partition("[environment]")
    stages = "[[stages]]\nsteps = 6\ncontext_tokens = 40\nprompts = 8\ngroup = 6\n"
    recipe.write_text(f"{head}{stages}[rollout]\nahead = 1\npiece_tokens = 4\n{tail[tail.index('[optimizer]') :]}")
    run(cache, "train", recipe, "--run-dir", folder)
    rows = [row for row in read_metrics(folder / "metrics.jsonl") if "rollout/partial_rate" in row]
    assert len(rows) == 6
    assert all(0 <= row["rollout/staleness_max"] <= 1 and 0 <= row["rollout/partial_rate"] <= 1 for row in rows)
    assert rows[0]["rollout/partial_rate"] == 0.0
    assert all(row["mismatch/mean_abs"] < 1e-3 for row in rows[:1])


def test_problems_with_the_same_prompt_are_told_apart():
    class Silent:
        """An engine that says nothing."""

        def generate_turns(self, feed, params, *, on_tokens=None):
            said = Completion(token_ids=[3], logprobs=None, text="", finish_reason=FinishReason.STOP)
            while turns := feed.take(0, wait=True):
                for turn in turns:
                    feed.put(turn.key, said, 0)

    class Listening(SingleTurn):
        def __init__(self):
            self.started = []

        def start(self, problem, seed):
            self.started.append((problem["id"], problem["ground_truth"], seed))
            return self

    environment, tokenizer = Listening(), character_tokenizer("0123456789+=")
    one, two = (
        Problem(
            prompt=({"role": "user", "content": "1+2="},), statement=statement, ground_truth=truth, ability="math",
            data_source="test",
        )
        for statement, truth in (("1+2", '"3"'), ("one and two, side by side", '"12"'))
    )  # fmt: skip
    prompts = PromptEncoder(tokenizer, environment).all_ids([one, two])
    assert prompts[0] == prompts[1]
    multi = MultiTurnEngine(Silent(), environment, tokenizer, problem_of=row_of)
    multi.generate(prompts, SamplingParams(n=2), seeds=[[5, 6], [7, 8]])
    assert environment.started == [
        (one.id, '"3"', 5), (one.id, '"3"', 6), (two.id, '"12"', 7), (two.id, '"12"', 8)
    ]  # fmt: skip
    with pytest.raises(TypeError, match="which problem"):
        row_of(list(prompts[0]))


GUESSING = '''
import secrets

from or1_rollout.environments import AskedCalls, Calculator, ToolEnvironment


class Guessing(Calculator):
    """No two of its answers need be the same."""

    is_deterministic = False

    def call(self, arguments):
        return str(10 + secrets.randbelow(90))


def make():
    return ToolEnvironment([Guessing()], AskedCalls())
'''


@pytest.fixture
def guessing(tmp_path):
    """A recipe whose tool guesses, in a folder to run it in: 20 lessons, then four steps of rewards."""
    (tmp_path / "guessing.py").write_text(GUESSING)
    recipe = tmp_path / "guessing.toml"
    text = RECIPE.replace('tools = ["calculator"]\nformat = "asked"\n', 'make = "guessing:make"\n')
    recipe.write_text(text.replace("steps = 30\n", "steps = 20\n").replace("every = 32", "every = 50"))
    return recipe


def test_what_a_tool_answered_is_kept_for_a_replay(cache, guessing, tmp_path):
    folder = tmp_path / "run"
    process = run(cache, "train", guessing, "--run-dir", folder, cwd=tmp_path)
    assert "not deterministic" in process.stdout + process.stderr
    assert len((folder / "observations" / "rank_0.jsonl").read_text().splitlines()) > 20
    done = run(cache, "replay", folder, "--step", 22, "--out", tmp_path / "again", cwd=tmp_path)
    assert "identical" in done.stdout
    shutil.rmtree(folder / "observations")
    done = run(cache, "replay", folder, "--step", 22, "--out", tmp_path / "anew", cwd=tmp_path, code=1)
    assert "first in responses" in done.stdout + done.stderr


def test_a_killed_run_with_such_a_tool_goes_on_with_what_it_answered(cache, guessing, tmp_path):
    folder = tmp_path / "killed"
    observations = folder / "observations" / "rank_0.jsonl"
    process = start(cache, "train", guessing, "--run-dir", folder, "--checkpoint.every", 20, cwd=tmp_path)
    wait_for(lambda: rows_written(folder) >= 23, process)  # the row of the start, 20 lessons, two steps of rewards
    asked = observations.read_bytes().count(b"\n")
    wait_for(lambda: observations.read_bytes().count(b"\n") > asked + 3, process)  # in the middle of the next step
    process.kill()
    process.wait(60)
    before, kept = numbers(folder), observations.read_bytes().rpartition(b"\n")[0]
    forgetful = shutil.copytree(folder, tmp_path / "forgetful")
    run(cache, "resume", folder, cwd=tmp_path)  # samples from step 21 on again
    assert len(numbers(folder)) == 25
    assert numbers(folder)[: len(before)] == before
    assert observations.read_bytes().startswith(kept)
    keys = [json.loads(line)["key"] for line in observations.read_text().splitlines()]
    assert len(keys) == len(set(keys)), "what was known was not asked again"
    assert "identical" in run(cache, "replay", folder, "--step", 23, cwd=tmp_path).stdout
    shutil.rmtree(forgetful / "observations")
    run(cache, "resume", forgetful, cwd=tmp_path)
    assert numbers(forgetful)[:21] == before[:21]
    assert numbers(forgetful)[21]["hash/responses"] != before[21]["hash/responses"]
