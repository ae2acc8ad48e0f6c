"""Whole runs: weighted sources with rewards of their own, each sampler killed and resumed, on two ranks, a task of
reasoning-gym, stages of fine-tuning, rejection sampling from a run, and a teacher.
"""

import json
import signal
import string
import sys
from pathlib import Path

import pytest
import torch
from transformers import AutoTokenizer, Qwen2Config, Qwen2ForCausalLM

from or1_data import arithmetic_problems, write_problems

sys.path.append(str(Path(__file__).parent))
from whole_runs import MICRO, numbers, rows_written, run, run_ranks, start, wait_for

from or1_data.arithmetic import Family
from or1_trainer.metrics.rollout_log import read_rollouts, rollout_files
from or1_trainer.rewards.gym import answer_of, gym_problems
from or1_trainer.rewards.gym_worker import dataset_of
from or1_trainer.toy.tokenizer import character_tokenizer
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


GYM = """
name = "gym"
[model]
path = "printable"
[data]
heldout = ["gym:chain_sum"]
[[data.sources]]
gym = "chain_sum"
gym_settings = { min_terms = 2, max_terms = 2, min_digits = 1, max_digits = 1 }
seed = 3
max_problems = 64
[[stages]]
kind = "sft"
rows = ["answers.jsonl"]
steps = 60
context_tokens = 24
prompts = 16
lr = 1e-2
[[stages]]
steps = 3
context_tokens = 24
prompts = 4
group = 4
[optimizer]
lr = 1e-3
[eval]
k = 1
every = 63
[checkpoint]
every = 100
[watch]
rollout_share = 1.0
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


@pytest.mark.parametrize("settings", [(), ("--parallel.tensor", "2")])
def test_two_ranks_draw_the_same_problems_as_one(whole, room, cache, settings):
    """Adaptive, with rollouts ahead and refill, on two parts of the data or two halves of the model."""
    name = f"ranks{len(settings)}"
    run_ranks(cache, 2, "train", "mixed.toml", "--run-dir", name, *settings, cwd=room)
    for expected, got in zip(numbers(whole), numbers(room / name), strict=True):
        for key in expected:
            if key.startswith(("sources/", "rewards/", "refill/", "reward/")):
                assert got[key] == pytest.approx(expected[key], rel=2e-3, abs=2e-3), (expected["step"], key)


SUMS = {"min_terms": 2, "max_terms": 2, "min_digits": 1, "max_digits": 1}


@pytest.fixture(scope="module")
def gym(room, cache):
    """A random policy that is first taught to answer between tags, then trained on a task of reasoning-gym."""
    tokenizer = character_tokenizer(string.printable)
    torch.manual_seed(0)
    sizes = {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = Qwen2Config(
        vocab_size=len(tokenizer), num_key_value_heads=2, max_position_embeddings=512, pad_token_id=0, eos_token_id=1,
        bos_token_id=None, tie_word_embeddings=True, **sizes,
    )  # fmt: skip
    Qwen2ForCausalLM(config).save_pretrained(room / "printable")
    tokenizer.save_pretrained(room / "printable")
    shown = list(gym_problems("chain_sum", SUMS, seed=7, size=80))
    answers = [f"<answer>{json.loads(problem.ground_truth)[0]}</answer>" for problem in shown]
    messages = [
        [*problem.prompt, {"role": "assistant", "content": answer}]
        for problem, answer in zip(shown, answers, strict=True)
    ]
    (room / "answers.jsonl").write_text("\n".join(json.dumps({"messages": row}) for row in messages))
    (room / "gym.toml").write_text(GYM)
    run(cache, "train", "gym.toml", "--run-dir", "gym", cwd=room)
    return room / "gym"


def test_a_task_of_reasoning_gym_is_trained_on_with_its_scorer_as_reward(gym):
    found = [record for _, path in rollout_files(gym) for record in read_rollouts(path)]
    problems = {problem.id: problem for problem in gym_problems("chain_sum", SUMS, seed=3, size=64)}
    task = dataset_of("chain_sum", json.dumps(SUMS), 3, 64)
    assert len(found) == 3 * 4 * 4
    for record in found:
        answer = None if record.finish_reason == "length" else answer_of(record.response)
        entry = task[problems[record.problem_id].extra_info["index"]]
        assert record.reward == (0.0 if answer is None else min(task.score_answer(answer, entry), 1.0))
    assert {"correct", "wrong"} <= {record.status for record in found}
    *_, last = rows = [row for row in numbers(gym) if "reward/mean" in row]
    means = [sum(record.reward for record in found[at : at + 16]) / 16 for at in (0, 16, 32)]
    assert [row["reward/mean"] for row in rows] == pytest.approx(means) and max(means) > 0
    assert last["sources/chain_sum.prompts"] == 4 and "eval/avg" in last


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
