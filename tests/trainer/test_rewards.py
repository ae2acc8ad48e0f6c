"""The kinds of rewards, each against a slow computation or a published number, and what happens when they fail."""

import math
import threading
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from or1_data import make_problem
from or1_reward.types import Status, Verdict
from or1_rollout.types import Completion, FinishReason
from or1_trainer.algorithm.reward_terms import decoupled_advantages, term_metrics, weighted_sum
from or1_trainer.config.rewards import (
    FormatReward,
    LengthReward,
    PythonReward,
    RepetitionReward,
    TestsPassedReward,
    VerifierReward,
)
from or1_trainer.errors import ConfigError, TrainingError
from or1_trainer.rewards.group import Group
from or1_trainer.rewards.python import PythonFunction, load_function
from or1_trainer.rewards.rules import (
    Form,
    Length,
    Repetition,
    RightAnswer,
    TestsPassed,
    cosine,
    overlong,
    repeated_share,
    within_group,
)
from or1_trainer.rewards.scoring import Scoring
from or1_trainer.train.judging import verdict_of_terms

PROBLEM = make_problem("1+1=?", "2", ability="math", data_source="sums", extra_info={"hint": "add", "index": 7})
RIGHT, WRONG, FAILED = (Verdict(status=s) for s in (Status.CORRECT, Status.WRONG, Status.VERIFIER_ERROR))


def completion(text="", tokens=(1, 2, 3), reason=FinishReason.STOP):
    return Completion(token_ids=list(tokens), logprobs=None, text=text, finish_reason=reason)


def group_of(completions, verdicts=(), context_tokens=10):
    return Group(
        problem=PROBLEM,
        prompt="<user>1+1=?</user>",
        completions=completions,
        verdicts=lambda: verdicts,
        step=3,
        context_tokens=context_tokens,
    )


def written(tmp_path, monkeypatch, text):
    """A module of the user's in the current folder; a name of its own, since Python keeps modules."""
    monkeypatch.chdir(tmp_path)
    name = f"own_rewards_{tmp_path.name.replace('-', '_')}"
    (tmp_path / f"{name}.py").write_text(text)
    return name


# --- the kinds


def test_the_verifier_rewards_right_answers_and_tests_passed_their_part():
    half = Verdict(status=Status.WRONG, share=0.5)
    group = group_of([completion()] * 4, [RIGHT, WRONG, FAILED, half])
    assert RightAnswer().values(group) == [1.0, 0.0, None, 0.0]
    assert TestsPassed().values(group) == [1.0, 0.0, None, 0.5]


def test_a_format_is_a_part_or_the_whole_of_a_response_and_comes_from_the_template():
    texts = ["so <a>2</a>", "<a>2\n3</a>", "<a>2"]
    group = group_of([completion(text) for text in texts])
    assert Form(FormatReward(pattern=r"<a>.*</a>"), "bare").values(group) == [1.0, 1.0, 0.0]
    assert Form(FormatReward(pattern=r"<a>.*</a>", whole=True), "bare").values(group) == [0.0, 1.0, 0.0]
    boxed = group_of([completion("it is \\boxed{2}"), completion("it is 2"), completion("\\boxed{}")])
    assert Form(FormatReward(), "boxed").values(boxed) == [1.0, 0.0, 0.0]
    with pytest.raises(ConfigError, match=r"'bare' asks for no form"):
        Form(FormatReward(), "bare")
    with pytest.raises(ConfigError, match=r"not a regular expression"):
        Form(FormatReward(pattern="("), "bare")


def test_an_expression_that_explodes_on_a_response_is_given_up_and_no_wrong_answer(monkeypatch):
    monkeypatch.setattr("or1_trainer.rewards.rules.MATCH_TIMEOUT_S", 0.05)
    form = Form(FormatReward(pattern=r"(x+x+)+y", whole=True), "bare")
    assert form.values(group_of([completion("x" * 5000), completion("xxy")])) == [None, 1.0]


@pytest.mark.parametrize(("length", "value"), [(0, 0), (80, 0), (81, -0.05), (90, -0.5), (100, -1), (130, -1)])
def test_overlong_responses_lose_what_dapo_takes(length, value):
    assert overlong(length, longest=100, buffer=20) == pytest.approx(value)
    group = group_of([completion(tokens=range(length))], context_tokens=100)
    assert Length(LengthReward(buffer_tokens=20)).values(group) == [pytest.approx(value)]


def test_a_cosine_goes_from_one_end_to_the_other_and_wrong_answers_have_their_own():
    assert [cosine(part, 2, 1) for part in (0, 0.5, 1, 3)] == pytest.approx([2, 1.5, 1, 1])
    group = group_of([completion(tokens=range(n)) for n in (0, 10, 0, 10, 5)], [RIGHT, RIGHT, WRONG, WRONG, FAILED])
    assert Length(LengthReward(shape="cosine")).values(group) == [1.0, 0.5, -1.0, -0.5, None]


def test_within_a_group_short_right_answers_gain_and_short_wrong_ones_gain_nothing():
    assert within_group([10, 20, 30, 10, 30], [True, True, True, False, False]) == [0.5, 0.0, -0.5, 0.0, -0.5]
    assert within_group([7, 7], [True, None]) == [0.0, None]


@given(st.lists(st.integers(0, 2), max_size=30), st.integers(1, 5))
def test_repetition_is_the_part_of_ngrams_that_came_before(tokens, width):
    ngrams = [tuple(tokens[i : i + width]) for i in range(len(tokens) - width + 1)]
    came_before = sum(ngram in ngrams[:at] for at, ngram in enumerate(ngrams))
    expected = came_before / len(ngrams) if len(ngrams) > 1 else 0.0
    assert repeated_share(np.array(tokens, np.int32), width) == pytest.approx(expected)
    values = Repetition(RepetitionReward(ngram_tokens=width)).values(group_of([completion(tokens=tokens)]))
    assert values == [pytest.approx(-expected)]


# --- functions of the user's


TRL_STYLE = '''
import re

def close_to_five(completions, **kwargs):
    """Longer or shorter than five characters is worse."""
    return [-abs(5 - len(text)) for text in completions]

def answers(completions, ground_truth, **kwargs):
    found = [re.search(r"\\d+", text) for text in completions]
    return [1.0 if match and match[0] in truth else 0.0 for match, truth in zip(found, ground_truth)]

def chat_form(prompts, completions, completion_ids, hint, trainer_state, **kwargs):
    assert prompts[0] == [{"role": "user", "content": "1+1=?"}] and len(prompts) == len(completions)
    assert completions[0][0]["role"] == "assistant" and completion_ids[0] == [1, 2, 3]
    assert hint == ["add"] * len(prompts)
    assert trainer_state.global_step == 3
    return [float(messages[0]["content"].startswith("so")) for messages in completions]

def only_some(completions, data_source):
    return [None if source == "sums" else 1.0 for source in data_source]

async def slow_one(completions, **kwargs):
    import asyncio
    await asyncio.sleep(0.01)
    return [float(len(text)) for text in completions]

def wants_too_much(completions, colour):
    return [0.0] * len(completions)

number = 3
'''


def test_trl_reward_functions_work_as_they_are(tmp_path, monkeypatch):
    module = written(tmp_path, monkeypatch, TRL_STYLE)
    group = group_of([completion("so 2"), completion("three")])

    def values(name, **changes):
        settings = PythonReward(function=f"{module}:{name}", **changes)
        reward = PythonFunction(settings, has_chat_template=name == "chat_form")
        try:
            return reward.values(group)
        finally:
            reward.close()

    assert values("close_to_five") == [-1, 0]
    assert values("answers") == [1.0, 0.0]
    assert values("chat_form") == [1.0, 0.0]
    assert values("only_some") == [None, None]
    assert values("only_some", none="zero") == [0.0, 0.0]
    assert values("slow_one") == [4.0, 5.0]
    with pytest.raises(TrainingError, match=r"asks for colour, .*hint"):
        values("wants_too_much")


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("no_such_module_here:f", "No module named"),
        ("math:no_such_function", "no_such_function"),
        ("math:pi", "is not a function but float"),
    ],
)
def test_a_function_that_is_not_there_is_an_error_of_the_recipe(reference, said):
    with pytest.raises(ConfigError, match=said):
        load_function(reference)


def test_many_groups_wait_for_an_async_function_together(tmp_path, monkeypatch):
    """All four are inside at once, or none returns."""
    text = "import asyncio\ninside = 0\nasync def f(completions, **kwargs):\n    global inside\n    inside += 1\n"
    text += "    while inside < 4:\n        await asyncio.sleep(0.001)\n    return [1.0] * len(completions)\n"
    settings = PythonReward(function=f"{written(tmp_path, monkeypatch, text)}:f", timeout_s=60)
    scoring = Scoring([(settings, PythonFunction(settings, has_chat_template=False))])
    groups = [group_of([completion()]) for _ in range(4)]
    pending = [scoring.submit(group) for group in groups]
    assert scoring.collect(list(zip(groups, pending, strict=True)), lambda name: nullcontext()) == [[(1.0,)]] * 4
    scoring.close()


# --- all of them together


class Given:
    """A reward with values, or an exception, decided beforehand; `before` is called first."""

    workers = 1

    def __init__(self, values, before=lambda: None):
        self._values, self._before = values, before

    def values(self, group):
        self._before()
        if isinstance(self._values, Exception):
            raise self._values
        return self._values

    def close(self):
        pass


def scored(*rewards, count=2, counting=None):
    scoring = Scoring(rewards, counting)
    group, names = group_of([completion()] * count), []
    try:
        terms = scoring.collect([(group, scoring.submit(group))], lambda name: names.append(name) or nullcontext())
    finally:
        scoring.close()
    assert names == [f"reward_{settings.label}" for settings, _ in rewards], "each has a time of its own"
    return terms[0] if terms else None


def own(**changes):
    return PythonReward(function="their.module:style", name="style", **changes)


def test_rewards_work_beside_each_other():
    """Each waits for the other: one after the other they would never end."""
    together = threading.Barrier(2)
    first, second = (Given([float(n)] * 2, before=lambda: together.wait(60)) for n in (1, 2))
    assert scored((VerifierReward(), first), (TestsPassedReward(), second)) == [(1.0, 2.0)] * 2


@pytest.mark.parametrize(
    ("values", "said", "kept"),
    [
        (ValueError("boom"), "raised ValueError: boom", [None, None]),
        ([1.0], "gave 1 values for 2 responses", [None, None]),
        ([1.0, math.nan], "nan for response 1", [1.0, None]),
        ([math.inf, 2], "inf for response 0", [None, 2.0]),
        (["good", 2], "'good' for response 0", [None, 2.0]),
        (7, "TypeError", [None, None]),
    ],
)
def test_what_is_no_value_stops_the_run_with_function_and_row_or_costs_the_response(values, said, kept):
    with pytest.raises(TrainingError) as caught:
        scored((own(), Given(values)))
    for words in (said, "'style' (their.module:style)", PROBLEM.id, "step 3", "resume"):
        assert words in str(caught.value)
    assert scored((own(on_error="skip"), Given(values))) == [(value,) for value in kept]


def test_none_costs_the_response_and_numbers_of_other_libraries_count():
    values = [None, np.float32(0.5), torch.tensor(0.25), True]
    assert scored((own(), Given(values)), count=4) == [(None,), (0.5,), (0.25,), (1.0,)]


def test_a_function_that_never_ends_is_not_waited_for():
    never = threading.Event()
    with pytest.raises(TrainingError, match=r"no values within 0\.05 s"):
        scored((own(timeout_s=0.05), Given([1.0, 1.0], before=lambda: never.wait(60))))
    never.set()


def test_a_reward_that_does_not_count_for_a_problem_is_not_asked():
    asked = []
    counting = lambda problem: frozenset({"verifier"})  # noqa: E731
    (first, second) = scored(
        (VerifierReward(), Given([1.0, 0.0])), (own(), Given([5.0, 5.0], lambda: asked.append(1))), counting=counting
    )
    assert first[0] == 1.0 and math.isnan(first[1]) and second[0] == 0.0 and not asked


def test_without_a_verifier_the_first_reward_says_what_is_right():
    cut = completion(reason=FinishReason.LENGTH)
    rows = [(1.0, 0.0), (0.9, 5.0), (None, 1.0), (math.nan, 1.0)]
    assert [verdict_of_terms(completion(), row).status.value for row in rows] == [
        "correct", "wrong", "verifier_error", "correct",
    ]  # fmt: skip
    assert verdict_of_terms(cut, (1.0,)).status is Status.TRUNCATED


# --- their sum


def test_the_sum_is_weighted_and_a_failed_reward_leaves_none():
    terms = np.array([[[1.0, 0.5, math.nan], [1.0, math.nan, 3.0]], [[0.0, 9.0, 1.0], [1.0, 9.0, 2.0]]])
    weights = np.array([[1.0, 2.0, 0.0], [1.0, math.nan, 0.5]])
    summed = weighted_sum(terms, weights)
    assert summed[0, 0] == 2.0, "a weight of 0 only measures, and may fail"
    assert math.isnan(summed[0, 1])
    assert summed[1].tolist() == [0.5, 2.0], "what does not count for a problem is left out"


def test_each_reward_normalised_alone_keeps_what_their_sum_loses():
    """The example of GDPO's figure 2: (0, 1) and (0, 2) have the same advantages in the sum, and others here."""
    terms = np.array([[[0.0, 0.0], [1.0, 0.0]], [[0.0, 0.0], [1.0, 1.0]]])
    advantages = decoupled_advantages(terms, np.ones((2, 2)), torch.zeros(2, 2, dtype=torch.bool))
    assert advantages[1, 1] == pytest.approx(2 * advantages[0, 1].item())


@given(st.integers(0, 10_000), st.sampled_from(["none", "before", "after"]), st.booleans())
def test_decoupled_advantages_are_the_slow_ones(seed, mask, normalize):
    rng = np.random.default_rng(seed)
    terms, weights = rng.integers(0, 3, (3, 4, 2)).astype(float), rng.normal(size=(3, 2))
    terms[rng.random((3, 4, 2)) < 0.1] = math.nan
    weights[0, 1] = math.nan
    cut = torch.from_numpy(rng.random((3, 4)) < 0.2)
    got = decoupled_advantages(terms, weights, cut, mask=mask, normalize_std=normalize)
    expected, members = np.zeros((3, 4)), []
    for p in range(3):
        counted = [r for r in range(2) if not math.isnan(weights[p, r])]
        inside = [g for g in range(4) if not any(math.isnan(terms[p, g, r]) for r in counted)]
        inside = [g for g in inside if mask != "before" or not cut[p, g]]
        for r in counted:
            values = [terms[p, g, r] for g in inside]
            if len(set(values)) > 1:
                deviation = np.std(values, ddof=1) + 1e-6 if normalize else 1.0
                for g in inside:
                    if mask != "after" or not cut[p, g]:
                        expected[p, g] += weights[p, r] * (terms[p, g, r] - np.mean(values)) / deviation
        members += [(p, g) for g in inside]
    if normalize and len(members) > 1:
        expected /= np.std([expected[place] for place in members], ddof=1) + 1e-6
    assert got.numpy() == pytest.approx(expected, abs=1e-9)


def test_metrics_have_mean_spread_and_failures_of_each_reward():
    terms = np.array([[[1.0, 2.0], [0.0, math.nan]], [[1.0, 5.0], [1.0, 5.0]]])
    weights = np.array([[1.0, -2.0], [1.0, math.nan]])
    assert term_metrics(terms, weights, ["right", "style"]) == {
        "rewards/right.mean": 0.75,
        "rewards/right.part": 0.75,
        "rewards/right.spread": 0.25,
        "rewards/right.failed": 0,
        "rewards/style.mean": 2.0,
        "rewards/style.part": -4.0,
        "rewards/style.spread": 0.0,
        "rewards/style.failed": 1,
    }
