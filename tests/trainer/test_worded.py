"""Word problems of the recipe smollm2."""

import re

import pytest

import or1_reward
from or1_trainer.errors import ConfigError
from or1_trainer.toy.worded import KINDS, Calculation, split_of, worded_problems

NUMBERS = re.compile(r"\d+")


def draw(split, count=200, seed=0, kinds=KINDS, largest=20):
    return list(worded_problems(split, count, seed, kinds=kinds, largest=largest, template="bare"))


def test_answers_are_those_of_the_numbers_in_the_text():
    expected = {"sum": lambda a, b: a + b, "difference": lambda a, b: a - b, "larger": max}
    for problem in draw("train"):
        first, second = map(int, NUMBERS.findall(problem.statement))
        if problem.statement.startswith("Take"):
            first, second = second, first
        kind = problem.data_source.removeprefix("worded-")
        answer = expected[kind](first, second)
        assert or1_reward.verify(f"\\boxed{{{answer}}}", problem.ground_truth).status == "correct", problem
        assert or1_reward.verify(f"\\boxed{{{answer + 1}}}", problem.ground_truth).status == "wrong", problem


def test_no_calculation_of_the_held_out_part_is_trained_on_in_any_wording():
    seen = {"train": set(), "heldout": set()}
    for split, found in seen.items():
        for seed in range(3):
            for problem in draw(split, seed=seed):
                found.add((problem.data_source, *sorted(map(int, NUMBERS.findall(problem.statement)))))
    assert len(seen["train"]) > 100
    assert len(seen["heldout"]) > 20
    assert not seen["train"] & seen["heldout"]
    assert split_of(Calculation("sum", 3, 9)) == split_of(Calculation("sum", 9, 3))


def test_problems_are_different_and_the_same_at_every_call():
    first, again, other = draw("train"), draw("train"), draw("train", seed=1)
    texts = [problem.statement for problem in first]
    assert len(set(texts)) == len(texts)
    assert texts == [problem.statement for problem in again]
    assert texts != [problem.statement for problem in other]
    assert {problem.data_source for problem in first} == {f"worded-{kind}" for kind in KINDS}


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ConfigError, match="not enough"):
        draw("heldout", count=1000, kinds=("larger",), largest=3)
    with pytest.raises(ConfigError, match=r"unknown kinds .*: product"):
        draw("train", kinds=("product",))
