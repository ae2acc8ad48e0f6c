"""Whole runs: weighted sources with rewards of their own, each sampler killed and resumed, stages of fine-tuning,
rejection sampling from a run, and a teacher.
"""

import json
import signal
import sys
from pathlib import Path

import pytest
from transformers import AutoTokenizer

from or1_data import arithmetic_problems, write_problems

sys.path.append(str(Path(__file__).parent))
from whole_runs import MICRO, numbers, rows_written, run, start, wait_for

from or1_data.arithmetic import Family
from or1_trainer.metrics.rollout_log import read_rollouts, rollout_files
from or1_trainer.train.chat_rows import read_chat_rows

HEAD = f"""
name = "mixed"
{MICRO}[eval]
k = 1
every = 0
[checkpoint]
every = 2
[watch]
rollout_share = 1.0
[optimizer]
lr = 1e-3
"""

STAGES = """
[[stages]]
steps = 4
context_tokens = 20
prompts = 5
group = 4
"""

SOURCES = """
[data]
heldout = ["held.jsonl"]
sampler = { kind = "adaptive", memory = 0.5 }
[[data.sources]]
path = "easy.jsonl"
weight = 3
[[data.sources]]
path = "hard.jsonl"
weight = 2
rewards = ["verifier"]
max_response_tokens = 11
[[rewards]]
kind = "verifier"
[[rewards]]
kind = "length"
buffer_tokens = 10
weight = 0.5
[rollout]
ahead = 1
refill = 1
"""


@pytest.fixture(scope="module")
def room(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mixed")
    easy = Family(min_terms=2, max_terms=2, max_digits=1)
    write_problems(folder / "easy.jsonl", arithmetic_problems("train", 20, 1, family=easy))
    hard = Family(min_terms=3, max_terms=3, max_digits=1)
    write_problems(folder / "hard.jsonl", arithmetic_problems("train", 20, 2, family=hard))
    write_problems(folder / "held.jsonl", arithmetic_problems("heldout", 8, 1, family=easy))
    recipe = HEAD.replace("[data.arithmetic]\nmax_terms = 2\nmax_digits = 1\ntrain = 60\nheldout = 8\n", "")
    (folder / "mixed.toml").write_text(recipe + STAGES + SOURCES)
    (folder / "plain.toml").write_text(HEAD + STAGES)
    return folder


@pytest.fixture(scope="module")
def whole(room, cache):
    run(cache, "train", "mixed.toml", "--run-dir", "whole", cwd=room)
    return room / "whole"


def test_prompts_follow_the_weights_and_each_source_has_its_rewards_and_metrics(whole):
    prompts = {"easy": 0, "hard": 0}
    for row in numbers(whole)[1:]:
        for name in prompts:
            prompts[name] += row[f"sources/{name}.prompts"]
        total = sum(prompts.values())
        assert total % 5 == 0 and abs(prompts["easy"] - total * 3 / 5) < 1
        for name, count in prompts.items():
            assert row[f"sources/{name}.epochs"] == pytest.approx(count / 20)
    found = [record for _, path in rollout_files(whole) for record in read_rollouts(path)]
    assert {tuple(record.rewards) for record in found} == {("verifier", "length"), ("verifier",)}
    for record in found:
        is_hard = record.prompt.count("+") + record.prompt.count("-") == 2
        assert is_hard == ("length" not in record.rewards)
        assert (record.finish_reason == "length") == (record.num_tokens == (11 if is_hard else 20))
    longest = {name: max(r.num_tokens for r in found if len(r.rewards) == n) for name, n in (("hard", 1), ("easy", 2))}
    assert longest["hard"] <= 11 < longest["easy"], "a source has a limit of its own"
    parts = json.loads((whole / "data.json").read_text())
    assert parts["source easy"]["problems"] == parts["source hard"]["problems"] == 20


@pytest.mark.parametrize(
    ("name", "recipe", "settings"),
    [
        ("whole", "mixed.toml", ()),
        ("dropping", "plain.toml", ("--data.sampler.kind", "drop_solved", "--rollout.ahead", "1")),
        ("tuned", "plain.toml", ("--stages", "TUNED")),
    ],
)
def test_killed_and_resumed_the_same_problems_are_drawn(whole, room, cache, tuned_stages, name, recipe, settings):
    """With rollouts ahead and refill too: what was seen of the problems comes back with the checkpoint."""
    settings = [tuned_stages if word == "TUNED" else word for word in settings]
    if not (room / name).exists():
        run(cache, "train", recipe, "--run-dir", name, *settings, cwd=room)
    process = start(cache, "train", recipe, "--run-dir", f"killed-{name}", *settings, cwd=room)
    try:
        wait_for(lambda: rows_written(room / f"killed-{name}") >= 4, process)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    run(cache, "resume", f"killed-{name}", cwd=room)
    assert numbers(room / f"killed-{name}") == numbers(room / name)


@pytest.fixture(scope="module")
def rows(whole, room, cache):
    """The right responses of a run."""
    done = run(
        cache, "filter-rollouts", "whole", "-o", "rows.jsonl", "--per-problem", "2", "--least-reward", "0.5", cwd=room
    )
    written = [json.loads(line) for line in (room / "rows.jsonl").read_text().splitlines()]
    assert f"{len(written)} rows" in done.stdout
    return written


@pytest.fixture(scope="module")
def tuned_stages(room):
    """Fine-tuning on an answer that the policy does not give, then a stage of reinforcement learning."""
    asked = [{"role": "user", "content": f"{number}+1=?"} for number in range(8)]
    answer = {"role": "assistant", "content": "\\boxed{0}"}
    (room / "zeros.jsonl").write_text("\n".join(json.dumps({"messages": [one, answer]}) for one in asked))
    return (
        '[{ kind = "sft", rows = ["zeros.jsonl"], steps = 3, context_tokens = 20, prompts = 8, lr = 3e-3 }, '
        "{ steps = 2, context_tokens = 20, prompts = 4, group = 4 }]"
    )


def test_right_responses_become_rows_of_messages_at_most_so_many_a_problem(whole, rows):
    found = [record for _, path in rollout_files(whole) for record in read_rollouts(path)]
    right = {(r.problem_id, r.response) for r in found if r.status == "correct" and r.reward >= 0.5}
    count = {}
    for row in rows:
        *prompt, answer = row["messages"]
        assert (row["problem_id"], answer["content"]) in right and answer["role"] == "assistant"
        assert prompt[0]["role"] == "user"
        count[row["problem_id"]] = count.get(row["problem_id"], 0) + 1
    tokenizer = AutoTokenizer.from_pretrained(whole / "model")
    assert len(read_chat_rows([str(whole.parent / "rows.jsonl")], tokenizer, context_tokens=20)) == len(rows)
    by_problem = {name: len({text for problem, text in right if problem == name}) for name, _ in right}
    assert count == {name: min(number, 2) for name, number in by_problem.items()}


def test_a_stage_of_fine_tuning_lowers_its_loss_and_the_next_stage_goes_on_from_there(room, cache, tuned_stages):
    if not (room / "tuned").exists():
        run(cache, "train", "plain.toml", "--run-dir", "tuned", "--stages", tuned_stages, cwd=room)
    _, *steps = numbers(room / "tuned")
    losses = [row["sft/loss"] for row in steps if "sft/loss" in row]
    assert len(losses) == 3 and losses[0] > losses[1] > losses[2]
    assert [row["stage/index"] for row in steps] == [0, 0, 0, 1, 1]
    assert all(row["mismatch/max_abs"] < 1e-3 for row in steps if "mismatch/max_abs" in row), (
        "the engine has the weights"
    )
    page = (room / "tuned" / "report.html").read_text()
    assert "Supervised loss" in page and "5 of 5 steps finished" in page


def test_a_teacher_draws_the_policy_to_itself(room, cache):
    """Without any reward: the teacher is a shorter warm start, and the KL to it falls."""
    short = ("--warm_start.steps", "100", "--stages.0.steps", "1", "--stages.0.prompts", "2")
    run(cache, "train", "plain.toml", "--run-dir", "teacher", *short, cwd=room)
    settings = (
        "--distill.beta", "1.0", "--distill.teacher", "teacher/model", "--loss.reject_zero_advantage", "false",
        "--rewards", '[{ kind = "length", weight = 1e-9 }]', "--stages.0.steps", "12", "--stages.0.prompts", "8",
        "--loss.normalize_std", "false", "--optimizer.lr", "3e-3",
    )  # fmt: skip
    run(cache, "train", "plain.toml", "--run-dir", "taught", *settings, cwd=room)
    distances = [row["kl/teacher"] for row in numbers(room / "taught")[1:]]
    assert sum(distances[-3:]) < 0.7 * sum(distances[:3])
    done = run(cache, "train", "plain.toml", "--run-dir", "never", *settings[:4], cwd=room, code=2)
    assert "reject_zero_advantage = false" in done.stderr
