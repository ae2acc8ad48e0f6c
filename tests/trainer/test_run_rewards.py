"""Whole runs whose reward is the recipe's: every kind in one, beside a server; stopped by a function, and killed."""

import json
import math
import re
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parent))
from whole_runs import MICRO, numbers, rows_written, run, run_ranks, start, wait_for

from or1_trainer.metrics.rollout_log import read_rollouts, rollout_files

RECIPE = f"""
name = "rewarded"
{MICRO}[[stages]]
steps = 4
context_tokens = 20
prompts = 4
group = 4
[eval]
k = 1
every = 0
[checkpoint]
every = 2
[watch]
rollout_share = 1.0
"""

REWARDS = """
[reward]
normalization = "each"
[[rewards]]
kind = "verifier"
[[rewards]]
kind = "tests_passed"
weight = 0.5
[[rewards]]
kind = "format"
pattern = '\\\\boxed\\{\\d+\\}'
weight = 0.25
[[rewards]]
kind = "length"
shape = "group"
weight = 0.1
[[rewards]]
kind = "repetition"
ngram_tokens = 2
[[rewards]]
kind = "python"
name = "brief"
function = "mine:brief"
weight = 0.1
[[rewards]]
kind = "python"
name = "picky"
function = "mine:picky"
on_error = "skip"
weight = 0.1
[[rewards]]
kind = "model"
path = "scorer"
squash = "sigmoid"
[[rewards]]
kind = "judge"
url = "URL"
model = "the-judge"
rubric = "10 for an even number of characters, else 0"
votes = 2
temperature = 1.0
"""

MINE = '''
async def brief(completions, **kwargs):
    return [-len(text) / 20 for text in completions]

def picky(completions, ground_truth, **kwargs):
    """Fails on some problems as a whole, and on some responses."""
    if ground_truth[0].endswith("7"):
        raise ValueError("not this one")
    return [None if len(text) % 5 == 0 else 1.0 for text in completions]

def strict(completions, **kwargs):
    raise ZeroDivisionError("by design")
'''


class Judge(BaseHTTPRequestHandler):
    """10 for a response with an even number of characters; the second vote has no score."""

    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        asked = body["messages"][0]["content"]
        with self.server.lock:
            self.server.asked.append((asked, body["seed"]))
        response = re.search(r"<response>\n(.*)\n</response>", asked, re.DOTALL)[1]
        said = f"Score: {10 * (len(response) % 2 == 0)}" if body["seed"] == 0 else "I cannot say."
        data = json.dumps({"choices": [{"message": {"content": said}, "finish_reason": "stop"}]}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def judge():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Judge)
    server.daemon_threads, server.lock, server.asked = True, threading.Lock(), []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def room(tmp_path_factory, judge):
    """The recipe, the user's functions, and a random reward model that reads characters."""
    from transformers import Qwen2Config, Qwen2ForSequenceClassification

    from or1_trainer.toy.tokenizer import character_tokenizer

    folder = tmp_path_factory.mktemp("rewarded")
    (folder / "mine.py").write_text(MINE)
    (folder / "plain.toml").write_text(RECIPE)
    url = f"http://127.0.0.1:{judge.server_address[1]}/v1"
    (folder / "all.toml").write_text(RECIPE + REWARDS.replace("URL", url))
    tokenizer = character_tokenizer("0123456789+-=?\\boxed{} ;\n")
    torch.manual_seed(3)
    scorer = Qwen2ForSequenceClassification(
        Qwen2Config(
            vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
            num_key_value_heads=2, num_labels=1, pad_token_id=0,
        )
    )  # fmt: skip
    scorer.save_pretrained(folder / "scorer")
    tokenizer.save_pretrained(folder / "scorer")
    return folder


@pytest.fixture(scope="module")
def whole(room, cache):
    run(cache, "train", "all.toml", "--run-dir", "whole", cwd=room)
    return room / "whole"


def records(folder):
    return [record for _, path in rollout_files(folder) for record in read_rollouts(path)]


def test_every_response_has_the_value_of_every_reward_and_their_weighted_sum(whole):
    weights = {"verifier": 1, "tests_passed": 0.5, "format": 0.25, "length": 0.1, "repetition": 1}
    weights |= {"brief": 0.1, "picky": 0.1, "model": 1, "judge": 1}
    found = records(whole)
    assert len(found) == 4 * 4 * 4
    for record in found:
        values = record.rewards
        assert list(values) == list(weights), "in the order of the recipe"
        assert values["verifier"] == values["tests_passed"] == float(record.status == "correct")
        assert values["format"] == float(re.search(r"\\boxed\{\d+\}", record.response) is not None)
        assert values["brief"] == -len(record.response) / 20
        assert values["judge"] == float(len(record.response) % 2 == 0), "a vote without a score is none"
        assert 0 < values["model"] < 1 and -1 <= values["repetition"] <= 0
        if values["picky"] is None:
            assert record.reward is None and record.advantage is None
        else:
            assert record.reward == pytest.approx(sum(weights[name] * value for name, value in values.items()))
    picky = [record.rewards["picky"] for record in found]
    assert {None, 1.0} == set(picky)


def test_metrics_and_report_have_each_reward(whole):
    by_step = {step: read_rollouts(path) for step, path in rollout_files(whole)}
    for row in numbers(whole)[1:]:
        found = by_step[row["step"]]
        for name in found[0].rewards:
            known = [record.rewards[name] for record in found if record.rewards[name] is not None]
            assert row[f"rewards/{name}.mean"] == pytest.approx(sum(known) / len(known))
            assert row[f"rewards/{name}.failed"] == len(found) - len(known)
        known = [record.reward for record in found if record.reward is not None]
        assert row["reward/mean"] == pytest.approx(sum(known) / len(known)), "that of the sum"
    page = (whole / "report.html").read_text()
    assert "Rewards" in page and "picky" in page and "reward failed" in page


def test_the_reward_model_says_what_it_says_alone(whole, room):
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    model = AutoModelForSequenceClassification.from_pretrained(room / "scorer").eval()
    tokenizer = AutoTokenizer.from_pretrained(room / "scorer")
    for record in records(whole)[:6]:
        ids = tokenizer(record.prompt + record.response, return_tensors="pt")["input_ids"]
        with torch.no_grad():
            alone = model(input_ids=ids).logits.sigmoid().item()
        assert record.rewards["model"] == pytest.approx(alone, abs=1e-5)


def test_killed_and_resumed_the_numbers_are_the_same_and_nothing_is_judged_twice(whole, room, cache, judge):
    judge.asked.clear()
    process = start(cache, "train", "all.toml", "--run-dir", "killed", cwd=room)
    try:
        wait_for(lambda: rows_written(room / "killed") >= 4, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    run(cache, "resume", "killed", cwd=room)
    assert numbers(room / "killed") == numbers(whole)
    asked = judge.asked
    assert len(asked) - len(set(asked)) <= 2 * 16, "only what was under way when it was killed"


@pytest.mark.parametrize("settings", [(), ("--parallel.tensor", "2")])
def test_two_ranks_reward_the_same_responses_as_one(whole, room, cache, settings):
    """On two parts of the data, and on two halves of the model: each rank scores the responses that it holds."""
    name = f"ranks{len(settings)}"
    run_ranks(cache, 2, "train", "all.toml", "--run-dir", name, "--stages.0.steps", "2", *settings, cwd=room)
    rows = numbers(room / name)[1:]
    assert len(rows) == 2 and len(records(room / name)) == 2 * 4 * 4
    for expected, got in zip(numbers(whole)[1:], rows, strict=False):
        for key in expected:
            if key.startswith(("rewards/", "reward/")):
                assert got[key] == pytest.approx(expected[key], rel=2e-3, abs=2e-4), (expected["step"], key)


def test_the_verifier_alone_as_a_reward_trains_like_no_rewards_at_all(room, cache):
    run(cache, "train", "plain.toml", "--run-dir", "plain", cwd=room)
    run(cache, "train", "plain.toml", "--run-dir", "one", "--rewards", '[{ kind = "verifier" }]', cwd=room)
    plain, one = numbers(room / "plain"), numbers(room / "one")
    own = ("rewards/", "hash/verdicts")  # the hash of the verdicts has the values of the rewards in it
    assert [{key: row[key] for key in row if not key.startswith(own)} for row in one] == [
        {key: row[key] for key in row if key != "hash/verdicts"} for row in plain
    ]
    assert not any(key.startswith("rewards/") for row in plain for key in row)
    assert all(row["rewards/verifier.mean"] == row["reward/mean"] for row in one[1:])


def test_a_function_that_raises_stops_the_run_with_its_name_and_the_row_and_the_run_goes_on_once_repaired(room, cache):
    settings = ("--rewards", '[{ kind = "python", function = "mine:strict" }]', "--stages.0.steps", "1")
    done = run(cache, "train", "plain.toml", "--run-dir", "stopped", *settings, cwd=room, code=1)
    for words in ("mine:strict", "ZeroDivisionError: by design", "problem ", "resume"):
        assert words in done.stderr
    (room / "mine.py").write_text(MINE.replace('raise ZeroDivisionError("by design")', "return [1.0, 0.0, 1.0, 0.0]"))
    run(cache, "resume", "stopped", cwd=room)
    (row,) = numbers(room / "stopped")[1:]
    assert row["reward/mean"] == 0.5 and row["group/kept_rate"] == 1.0 and not math.isnan(row["loss/total"])


def test_a_function_that_is_not_there_is_said_before_anything_is_written(room, cache):
    settings = ("--rewards", '[{ kind = "python", function = "mine:missing" }]')
    done = run(cache, "train", "plain.toml", "--run-dir", "never", *settings, cwd=room, code=2)
    assert "mine:missing" in done.stderr and not (room / "never").exists()
