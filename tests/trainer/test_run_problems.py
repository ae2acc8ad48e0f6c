"""Drawing problems: order, cursor, online filter; and where a step lies."""

from collections import Counter
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_reward.types import Status, Verdict
from or1_rollout.types import Completion, FinishReason
from or1_trainer.algorithm.groups import outcomes_of, with_advantages
from or1_trainer.config.schema import LossSettings, StageSettings
from or1_trainer.errors import ConfigError
from or1_trainer.train.dataset import ALL, Dataset
from or1_trainer.train.sampler import Cursor, draw, drop_solved, record
from or1_trainer.train.stages import position_at, total_steps

PROBLEMS = [SimpleNamespace(id=f"p{number}") for number in range(7)]


def ids(problems):
    return [problem.id for problem in problems]


@given(st.lists(st.integers(1, 10), min_size=1, max_size=8), st.integers(0, 99))
def test_every_pass_visits_each_problem_once_however_it_is_cut(counts, seed):
    cursor, drawn = Cursor(), []
    for count in counts:
        some, cursor = draw(PROBLEMS, count, cursor, seed)
        drawn += ids(some)
    whole, _ = draw(PROBLEMS, len(drawn), Cursor(), seed)
    assert drawn == ids(whole)
    for start in range(0, len(drawn) - 6, 7):
        assert sorted(drawn[start : start + 7]) == sorted(ids(PROBLEMS))


def test_passes_and_seeds_differ():
    first, cursor = draw(PROBLEMS, 7, Cursor(), 0)
    second, _ = draw(PROBLEMS, 7, cursor, 0)
    other, _ = draw(PROBLEMS, 7, Cursor(), 1)
    assert ids(first) != ids(second) and ids(first) != ids(other)


def judged(**statuses):
    """Groups of the problems named, each response with a verdict: right, wrong, or none."""
    words = {"+": Status.CORRECT, "-": Status.WRONG, "!": Status.VERIFIER_ERROR}
    verdicts = [[Verdict(status=words[letter]) for letter in letters] for letters in statuses.values()]
    completion = Completion(token_ids=[1], logprobs=None, text="", finish_reason=FinishReason.STOP)
    outcomes = outcomes_of([[completion] * 2] * len(verdicts), verdicts, 2)
    return with_advantages(list(statuses), outcomes, LossSettings(), limits_P=[9] * len(statuses))


def test_only_problems_that_were_right_on_every_visit_are_dropped():
    solved = record({}, judged(p0="++", p1="+-", p2="!+", p3="!!"))
    solved = record(solved, judged(p0="++", p2="-+"))
    assert solved == {"p0": (4, 4), "p1": (1, 2), "p2": (2, 3), "p3": (0, 0)}
    assert ids(drop_solved(PROBLEMS, solved)) == ["p1", "p2", "p3", "p4", "p5", "p6"]  # p3: no verdict; p4..: not seen


def test_nothing_left_is_said_clearly():
    with pytest.raises(ConfigError, match="no problems are left"):
        draw([], 1, Cursor(), 0)
    dataset = Dataset({ALL: PROBLEMS}, [])
    assert ids(dataset.left(ALL, ())) == ids(PROBLEMS)
    assert ids(dataset.left(ALL, ("p1", "p5"))) == ["p0", "p2", "p3", "p4", "p6"]
    assert dataset.left(ALL, ("p1", "p5")) is dataset.left(ALL, ("p1", "p5")), "looked through once"
    assert ids(dataset.left(ALL, ("p1", "p5", "p0"))) == ["p2", "p3", "p4", "p6"]
    assert ids(dataset.left(ALL, ())) == ids(PROBLEMS)


def test_steps_belong_to_the_stage_they_fall_into():
    stages = [StageSettings(steps=n, context_tokens=8 * n, prompts=2, group=2) for n in (2, 3)]
    places = [position_at(stages, step) for step in range(total_steps(stages))]
    assert [p.stage_index for p in places] == [0, 0, 1, 1, 1]
    assert Counter(p.is_stage_start for p in places) == {True: 2, False: 3} and places[2].is_stage_start
    assert position_at(stages, 5) is None
