"""Sources followed exactly, samplers that look at what was solved, and tasks of reasoning-gym with their scorers."""

import inspect
import json
from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from or1_data import make_problem, write_problems
from or1_reward.types import Status
from or1_trainer.algorithm.mixture import next_source, shares_of
from or1_trainer.algorithm.signal import expected_signal, weighted_order
from or1_trainer.config.check import check
from or1_trainer.config.load import resolve
from or1_trainer.config.schema import SamplerSettings
from or1_trainer.errors import ConfigError
from or1_trainer.rewards.gym import EVALUATING, answer_of, gym_problems, gym_truth, judge_gym
from or1_trainer.train.dataset import ALL, Dataset, draw_round
from or1_trainer.train.problems import dataset_summary, load_dataset
from or1_trainer.train.prompts import PromptEncoder
from or1_trainer.train.sampler import Seen, adaptive_weights, difficulty_weights, observed, solve_rate
from or1_trainer.train.state import RunState, read_state, write_state

STAGE = {"steps": 2, "context_tokens": 8, "prompts": 4, "group": 2}
START = RunState(entropy_coefficient=0.0)


def config_of(data):
    return resolve({"name": "t", "stages": [STAGE], "data": data})


def problems_of(name, count, **extra):
    return [
        make_problem(f"{name} {i}", str(i), ability="math", data_source=name, extra_info=extra) for i in range(count)
    ]


def groups_of(rights, size=4):
    """What samplers look at: problem -> right responses of a group; None for one that the verifier failed on."""
    from types import SimpleNamespace

    rows = [
        [Status.VERIFIER_ERROR] * size if right is None else [Status.CORRECT] * right + [Status.WRONG] * (size - right)
        for right in rights.values()
    ]
    return SimpleNamespace(problem_ids=tuple(rights), outcomes=SimpleNamespace(statuses_PG=np.array(rows, np.str_)))


# --- weights


@given(st.lists(st.integers(1, 40), min_size=1, max_size=6), st.integers(0, 1_000))
def test_any_window_of_prompts_follows_the_weights_up_to_less_than_two(weights, start):
    shares = shares_of({str(i): weight for i, weight in enumerate(weights)})
    counts, history = {}, [dict.fromkeys(shares, 0)]
    for _ in range(300):
        name = next_source(counts, shares)
        counts[name] = counts.get(name, 0) + 1
        history.append({one: counts.get(one, 0) for one in shares})
    for turn, seen in enumerate(history):
        assert all(abs(seen[name] - turn * share) < 1 for name, share in shares.items()), "from the start"
    first = history[start % 300]
    for length, seen in enumerate(history[start % 300 :]):
        assert all(abs(seen[n] - first[n] - length * share) < 2 for n, share in shares.items()), "from anywhere"


def test_weights_are_the_decimal_numbers_of_the_recipe():
    assert shares_of({"a": 0.1, "b": 0.2}) == {"a": Fraction(1, 3), "b": Fraction(2, 3)}
    counts, order = {}, ""
    for _ in range(10):
        name = next_source(counts, shares_of({"a": 3.0, "b": 1.0, "c": 1.0}))
        counts[name] = counts.get(name, 0) + 1
        order += name
    assert order[:5] == order[5:] and sorted(order[:5]) == sorted("aaabc"), "whole rounds repeat"


def mixed(sampler=None):
    data = {"sources": [{"path": "a.jsonl", "weight": 3}, {"path": "b.jsonl"}], "heldout": ["h.jsonl"]}
    config = config_of(data | ({"sampler": sampler} if sampler else {}))
    return config, Dataset({"a": problems_of("a", 5), "b": problems_of("b", 4)}, [])


def test_sources_have_passes_of_their_own_and_steps_add_up():
    config, dataset = mixed()
    state, drawn = START, []
    for step in range(8):
        problems, state = draw_round(config, dataset, state, 5, step=step, number=0)
        drawn += [problem.data_source for problem in problems]
        state = msgspec.json.decode(msgspec.json.encode(state), type=RunState)  # as a checkpoint has it
    assert drawn.count("a") == 30 and state.source_counts == {"a": 30, "b": 10}
    assert state.cursors == {"a": (6, 0), "b": (2, 2)}, "six passes over five problems, two and a half over four"


def test_a_source_without_problems_left_takes_no_part():
    config, dataset = mixed()
    gone = tuple(problem.id for problem in dataset.pools["a"])
    problems, state = draw_round(config, dataset, replace(START, dropped=gone), 6, step=0, number=0)
    assert {problem.data_source for problem in problems} == {"b"} and state.source_counts == {"b": 6}
    with pytest.raises(ConfigError, match="no problems are left"):
        everything = tuple(problem.id for problem in dataset.train)
        draw_round(config, dataset, replace(START, dropped=everything), 6, step=0, number=0)


# --- samplers


@given(st.floats(0.01, 50), st.floats(0.01, 50))
def test_expected_signal_is_the_integral_over_the_beta_density(right, wrong):
    from scipy.stats import beta

    moments = beta.stats(right, wrong, moments="mv")
    mean, variance = (float(value) for value in moments)
    assert expected_signal(np.array([right]), np.array([wrong]))[0] == pytest.approx(
        mean - mean**2 - variance, abs=1e-9
    )


def test_problems_come_first_in_proportion_to_their_weights_and_each_once():
    weights = np.array([1.0, 2.0, 4.0, 8.0])
    orders = np.array([weighted_order(weights, (0, place)) for place in range(4000)])
    assert (np.sort(orders, axis=1) == np.arange(4)).all()
    first = np.bincount(orders[:, 0], minlength=4) / len(orders)
    assert first == pytest.approx(weights / weights.sum(), abs=0.03)
    assert weighted_order(weights, (0, 1)).tolist() == weighted_order(weights, (0, 1)).tolist()


def test_what_was_seen_fades_and_a_streak_ends_with_a_wrong_answer():
    settings = SamplerSettings(memory=0.5)
    seen = observed({}, groups_of({"x": 4, "y": 1, "z": None}), settings)
    assert seen == {"x": Seen(4, 0, 1), "y": Seen(1, 3, 0), "z": Seen(0, 0, 0)}
    seen = observed(seen, groups_of({"x": 4}), settings)
    assert seen["x"] == Seen(6, 0, 2)
    assert observed(seen, groups_of({"x": 3}), settings)["x"] == Seen(6, 1, 0)


def test_adaptive_prefers_what_is_solved_half_the_time_and_learns_of_a_problem_from_its_kind():
    half, solved, never, fresh = problems_of("sums", 4)
    easy_fresh = problems_of("easy", 2)
    seen = {half.id: Seen(4, 4), solved.id: Seen(8, 0), never.id: Seen(0, 8), easy_fresh[0].id: Seen(16, 0)}
    problems = [half, solved, never, fresh, *easy_fresh]
    weights = dict(
        zip([p.id for p in problems], adaptive_weights(problems, seen, SamplerSettings(floor=0)), strict=True)
    )
    assert weights[half.id] > weights[fresh.id] > weights[solved.id] == pytest.approx(weights[never.id])
    assert weights[easy_fresh[1].id] < weights[fresh.id], "problems of its kind were always solved"
    alone = adaptive_weights(problems, seen, SamplerSettings(floor=0, share="none"))
    assert alone[3] == alone[5], "each by itself"
    floored = adaptive_weights(problems, seen, SamplerSettings(floor=0.5))
    assert floored.min() == 0.125


def test_adaptive_draws_follow_the_estimates_and_the_state_decides_them():
    config = config_of({"sampler": {"kind": "adaptive", "floor": 0.0}})
    good, bad = problems_of("good", 8), problems_of("bad", 24)
    dataset = Dataset({ALL: [*bad, *good]}, [])
    seen = {p.id: Seen(50, 50) for p in good} | {p.id: Seen(1000, 0) for p in bad}
    state = replace(START, seen=seen)
    drawn = [draw_round(config, dataset, state, 4, step=step, number=0)[0] for step in range(20)]
    names = [problem.data_source for problems in drawn for problem in problems]
    assert names.count("good") > 70
    assert all(len({p.id for p in problems}) == 4 for problems in drawn), "no problem twice in a round"
    again, behind = draw_round(config, dataset, state, 4, step=3, number=0)
    assert again == drawn[3] and again != draw_round(config, dataset, state, 4, step=3, number=1)[0]
    assert (behind.epoch, behind.taken) == (0, 4)
    everything, behind = draw_round(config, dataset, state, 70, step=0, number=0)
    assert len(everything) == 70 and (behind.epoch, behind.taken) == (2, 6)


def test_drop_solved_leaves_out_what_was_right_so_often_in_a_row():
    config = config_of({"sampler": {"kind": "drop_solved", "visits": 2}})
    pool = problems_of("sums", 6)
    dataset = Dataset({ALL: pool}, [])
    state = replace(START, seen={pool[0].id: Seen(8, 0, 2), pool[1].id: Seen(4, 0, 1)})
    drawn, state = draw_round(config, dataset, state, 10, step=0, number=0)
    assert {p.id for p in drawn} == {p.id for p in pool[1:]}
    assert max(sum(p.id == one.id for p in drawn) for one in pool) == 2, "a pass is a pass"
    solved = replace(START, seen={p.id: Seen(8, 0, 2) for p in pool})
    with pytest.raises(ConfigError, match=r"all right.*visits higher"):
        draw_round(config, dataset, solved, 1, step=0, number=0)


def test_difficulty_is_what_the_rows_say():
    row = problems_of("sums", 1, model_difficulty={"A": 4, "B": 16}, model_attempts={"A": 16})[0]
    assert (solve_rate(row, ""), solve_rate(row, "B"), solve_rate(row, "C")) == (0.75, 0.0, None)
    unknown = problems_of("other", 1)[0]
    assert difficulty_weights([row, unknown], SamplerSettings()).tolist() == [0.1875, 0.25]
    assert difficulty_weights([row], SamplerSettings(model="B", floor=0.2)).tolist() == [0.05]


def test_what_was_seen_is_in_the_checkpoint(tmp_path):
    state = replace(START, seen={"x": Seen(1.25, 0.5, 3)}, cursors={"a": (1, 2)}, source_counts={"a": 7})
    write_state(state, tmp_path / "state.json")
    assert read_state(tmp_path / "state.json") == state


# --- files


class Words:
    """A tokenizer without a chat template: a token is a word."""

    chat_template = None

    def __call__(self, texts, **_):
        return {"input_ids": [list(range(len(text.split()))) for text in texts]}


def test_sources_are_read_with_their_template_and_within_their_limits(tmp_path):
    write_problems(tmp_path / "short.jsonl", problems_of("short", 6))
    write_problems(tmp_path / "table.parquet", [*problems_of("table", 3), *problems_of("far too many words", 2)])
    write_problems(tmp_path / "held.jsonl", problems_of("short", 2))
    sources = [
        {"path": str(tmp_path / "short.jsonl"), "template": "Q: {statement}", "max_problems": 5},
        {"path": str(tmp_path / "table.parquet"), "name": "rest", "max_prompt_tokens": 2, "max_response_tokens": 30},
    ]
    data = config_of({"sources": sources, "heldout": [str(tmp_path / "held.jsonl")]}).data
    dataset = load_dataset(data, PromptEncoder(Words()))
    assert {name: len(problems) for name, problems in dataset.pools.items()} == {"short": 3, "rest": 3}
    assert dataset.pools["short"][0].prompt[0]["content"] == "Q: short 2", "those held out are not trained on"
    assert dataset.source_of(dataset.pools["rest"][0].id) == "rest" and len(dataset.heldout) == 2
    ids = [dataset.pools[name][0].id for name in ("short", "rest")]
    assert [[dataset.limit_of(one, stage) for one in ids] for stage in (20, 50)] == [[20, 20], [50, 30]]
    summary = dataset_summary(dataset)
    assert summary["train"]["problems"] == 6 and summary["source rest"]["problems"] == 3


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"sources": [{"path": "x.jsonl"}], "train": ["y.jsonl"]}, "both given"),
        ({"sources": [{"weight": 2}]}, "either a path or a gym task"),
        ({"sources": [{"path": "x.jsonl"}, {"path": "d/x.parquet"}]}, "named x"),
        ({"sources": [{"path": "x.jsonl", "rewards": ["stile"]}]}, "no such reward (did you mean style?)"),
        ({"sampler": {"least": 0.5, "most": 0.2}}, "least must not exceed"),
    ],
)
def test_sources_that_contradict_are_refused(data, said):
    rewards = [{"kind": "format", "name": "style", "pattern": "x"}]
    with pytest.raises(ConfigError) as caught:
        check(resolve({"name": "t", "stages": [STAGE], "data": data, "rewards": rewards}), 1)
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_named_with_its_source(tmp_path):
    write_problems(tmp_path / "held.jsonl", problems_of("short", 2))
    data = config_of({"sources": [{"path": "missing.jsonl"}], "heldout": [str(tmp_path / "held.jsonl")]}).data
    with pytest.raises(ConfigError, match=r"source 'missing': .*missing\.jsonl"):
        load_dataset(data, PromptEncoder(Words()))


# --- reasoning-gym


@pytest.fixture(scope="module")
def legs():
    return list(gym_problems("leg_counting", {"max_animals": 4}, seed=5, size=3))


def test_a_task_makes_the_same_problems_again_and_its_scorer_judges_them(legs):
    assert [p.id for p in legs] == [p.id for p in gym_problems("leg_counting", {"max_animals": 4}, seed=5, size=3)]
    right = json.loads(legs[1].ground_truth)[0]
    responses = [
        f"so <answer>{right}</answer>",
        f"\\boxed{{{right}}}",
        "<answer>-1</answer>",
        "none",
        f"<answer>{right}",
    ]
    reasons = ["stop", "stop", "stop", "stop", "length"]
    verdicts = judge_gym(gym_truth(legs[1]), responses, reasons, 1)
    statuses = [verdict.status for verdict in verdicts]
    assert statuses == [Status.CORRECT, Status.CORRECT, Status.WRONG, Status.NO_ANSWER, Status.TRUNCATED]
    assert [verdict.reward for verdict in verdicts[:2]] == [1.0, 1.0] and verdicts[2].reward < 1


def test_answers_are_the_last_between_tags_else_in_a_box():
    assert answer_of("<answer>1</answer> <answer> 2\n</answer> \\boxed{3}") == "2"
    assert (answer_of("\\boxed{3} \\boxed{4}"), answer_of("5")) == ("4", None)


def test_tasks_whose_scorer_evaluates_what_the_model_wrote_are_refused_all_of_them():
    from reasoning_gym.factory import DATASETS

    evaluating = {
        name
        for name, (kind, _) in DATASETS.items()
        for function in [inspect.getsource(inspect.getmodule(kind))]
        if any(call in function for call in ("eval(answer", "parse_expr(answer", "eval(user"))
    }
    assert evaluating == EVALUATING
    for name in ("countdown", "composite"):
        with pytest.raises(ConfigError, match="evaluates the model's text"):
            next(gym_problems(name, {}, seed=0, size=1))


@pytest.mark.parametrize(
    ("task", "settings", "said"),
    [("no_such_task", {}, "no_such_task"), ("leg_counting", {"max_animal": 3}, "max_animal")],
)
def test_a_task_or_setting_that_is_not_there_is_an_error_of_the_recipe(task, settings, said):
    with pytest.raises(ConfigError, match=said):
        next(gym_problems(task, settings, seed=0, size=1))
