"""The arithmetic family: right by an independent evaluation, and split so that nothing can overlap."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_data import ConfigError, arithmetic_problems
from or1_data.arithmetic import ALPHABET, Family, Term, canonical_key, demonstrations, solution, split_of, text_of

TERMS = st.lists(
    st.builds(
        Term,
        st.sampled_from([1, -1]),
        st.one_of(st.tuples(st.integers(1, 99)), st.tuples(st.integers(2, 9), st.integers(2, 9))),
    ),
    min_size=2,
    max_size=5,
)


@given(TERMS, st.randoms())
def test_commuted_operands_are_always_in_the_same_part(terms: list[Term], rng) -> None:
    shuffled = [
        Term(term.sign, tuple(rng.sample(term.factors, len(term.factors)))) for term in rng.sample(terms, len(terms))
    ]
    assert canonical_key(tuple(terms)) == canonical_key(tuple(shuffled))
    assert split_of(tuple(terms)) == split_of(tuple(shuffled))


def test_parts_share_no_problem_whatever_the_seeds() -> None:
    family = Family(max_terms=3, max_digits=1)
    parts = {
        split: {frozen(p.statement) for seed in range(3) for p in arithmetic_problems(split, 60, seed, family=family)}
        for split in ("train", "heldout")
    }
    assert parts["train"] and parts["heldout"]
    assert not parts["train"] & parts["heldout"]


def frozen(statement: str) -> tuple[str, ...]:
    """Signed terms in sorted order, parsed here and not by the code under test."""
    return tuple(sorted(re.findall(r"[+-][\d*]+", "+" + statement.removesuffix("=?"))))


@pytest.mark.parametrize("operators", ["+-", "+-*", "+"])
def test_every_step_and_answer_is_true(operators: str) -> None:
    for demo in demonstrations(300, 7, family=Family(operators=operators)):
        value = eval(demo.prompt.removesuffix("=?"))
        assert demo.problem.ground_truth == str(value) and value >= 0
        *steps, boxed = demo.response.split(";")
        assert boxed == f"\\boxed{{{value}}}"
        for step in steps:
            left, right = step.split("=")
            assert eval(left) == int(right)
        assert set(demo.prompt + demo.response) <= set(ALPHABET)
    assert len(ALPHABET) == len(set(ALPHABET)) == 26


def test_lengths_spread_and_verbose_is_longer() -> None:
    demos = list(demonstrations(2000, 0))
    lengths = {style: sorted(len(d.response) for d in demos if d.style == style) for style in ("terse", "verbose")}
    assert lengths["terse"][0] <= 16 and lengths["verbose"][-1] >= 120
    assert lengths["verbose"][len(lengths["verbose"]) // 2] > 2 * lengths["terse"][len(lengths["terse"]) // 2]
    assert 0.4 < len(lengths["verbose"]) / len(demos) < 0.6


def test_problems_are_distinct_seeded_and_a_prefix_of_longer_runs() -> None:
    one = [p.statement for p in arithmetic_problems("train", 200, 1)]
    assert one == [p.statement for p in arithmetic_problems("train", 400, 1)][:200]
    assert len({frozen(s) for s in one}) == 200
    assert one != [p.statement for p in arithmetic_problems("train", 200, 2)]


def test_a_family_that_runs_dry_says_so() -> None:
    with pytest.raises(ConfigError, match="no new heldout problem"):
        list(arithmetic_problems("heldout", 1000, 0, family=Family(max_terms=2, max_digits=1)))
    with pytest.raises(ConfigError, match="operators"):
        Family(operators="-*")


def test_the_text_is_what_the_terms_say() -> None:
    expression = (Term(1, (3, 4)), Term(1, (5,)), Term(-1, (2,)))
    assert text_of(expression) == "3*4+5-2"
    assert solution(expression) == "3*4=12;12+5=17;17-2=15;\\boxed{15}"
