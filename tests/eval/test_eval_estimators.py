"""Estimators against closed forms, brute force, scipy, and simulation."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from statistics import fmean

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from or1_eval.errors import EstimateError
from or1_eval.estimators import (
    accuracy,
    compare_paired,
    detectable_difference,
    difference_interval,
    heterogeneity,
    majority,
    mean_interval,
    needed_k,
    needed_problems,
    pass_at,
    population_error,
    sampling_error,
    sampling_variance,
    sign_flip_p_value,
)
from or1_eval.estimators.student import student_cdf, student_quantile

rewards = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=7)


@given(rewards, st.integers(1, 7))
def test_pass_at_is_the_share_of_all_draws_with_a_right_one(rewards_K: list[float], j: int) -> None:
    if j > len(rewards_K):
        with pytest.raises(EstimateError):
            pass_at(j, len(rewards_K), int(sum(rewards_K)))
        return
    draws = list(itertools.combinations(rewards_K, j))
    assert pass_at(j, len(rewards_K), int(sum(rewards_K))) == pytest.approx(fmean(max(draw) for draw in draws))


@pytest.mark.parametrize(("p", "n", "j"), [(0.3, 8, 3), (0.05, 16, 8), (0.9, 4, 2)])
def test_pass_at_is_unbiased(p: float, n: int, j: int) -> None:
    """Its exact expectation over binomial counts is 1 - (1-p)^j; the plug-in 1 - (1-c/n)^j is not."""
    weights = stats.binom.pmf(range(n + 1), n, p)
    ours = sum(w * pass_at(j, n, c) for c, w in enumerate(weights))
    plug_in = sum(w * (1 - (1 - c / n) ** j) for c, w in enumerate(weights))
    assert ours == pytest.approx(1 - (1 - p) ** j, abs=1e-12)
    assert abs(plug_in - ours) > 1e-3


def test_pass_at_does_not_overflow_for_many_samples() -> None:
    assert pass_at(512, 1024, 1) == pytest.approx(0.5)


@given(st.lists(st.sampled_from(["7", "8", " 8", "9", None]), min_size=1, max_size=7))
def test_majority_is_the_mean_over_fair_tie_breaks(votes_K: list[str | None]) -> None:
    right = {"7": 1.0}
    rewards_K = [right.get(vote or "", 0.0) for vote in votes_K]
    ballots = Counter(vote.strip() for vote in votes_K if vote is not None)
    leaders = [vote for vote, count in ballots.items() if count == max(ballots.values())]
    expected = fmean(right.get(vote, 0.0) for vote in leaders) if leaders else 0.0
    assert majority(votes_K, rewards_K) == pytest.approx(expected)


def test_majority_lets_equal_right_answers_vote_together() -> None:
    assert majority(["0.5", "1/2", "3", "3"], [1.0, 1.0, 0.0, 0.0]) == 0.5  # a tie of two and two
    assert majority(["0.5", "1/2", "3", "4"], [1.0, 1.0, 0.0, 0.0]) == 1.0


def test_a_verifier_error_counts_neither_way() -> None:
    assert accuracy([1.0, None, 0.0]) == 0.5
    assert accuracy([None]) is None
    assert majority(["7", "8", "8"], [1.0, None, None]) == 1.0


@given(st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=40))
def test_sampling_variance_is_the_closed_form(rewards_K: list[float]) -> None:
    p, k = fmean(rewards_K), len(rewards_K)
    assert sampling_variance(rewards_K) == pytest.approx(k * p * (1 - p) / (k - 1), abs=1e-12)


def test_standard_errors_are_the_formulas_of_the_design() -> None:
    assert sampling_error([0.25, 0.16], [4, 8]) == pytest.approx(math.sqrt(0.25 / 4 + 0.16 / 8) / 2)
    values = [0.0, 0.5, 1.0, 0.25]
    assert population_error(values) == pytest.approx(np.std(values, ddof=1) / 2)
    assert math.isnan(population_error([0.5]))


def test_sampling_error_is_what_repeated_runs_show() -> None:
    generator = np.random.default_rng(1)
    p_N, k = generator.beta(0.5, 0.5, 30), 32
    counts = generator.binomial(k, p_N, (4000, 30))
    estimated = [sampling_error([k * q * (1 - q) / (k - 1) for q in row / k], [k] * 30) for row in counts[:300]]
    assert np.std(counts.mean(axis=1) / k) == pytest.approx(np.sqrt(np.mean(np.square(estimated))), rel=0.05)


@pytest.mark.parametrize("degrees", [1, 2, 3, 4, 7, 29, 30, 278, 999, 5000])
def test_student_against_scipy(degrees: int) -> None:
    for probability in (0.6, 0.9, 0.975, 0.995):
        assert student_quantile(probability, degrees) == pytest.approx(stats.t.ppf(probability, degrees), rel=1e-6)
    assert student_cdf(1.3, degrees) == pytest.approx(stats.t.cdf(1.3, degrees), abs=1e-10)


def coverage(a: float, b: float, num_problems: int, k: int, rounds: int = 400) -> float:
    """Share of simulated benchmarks whose interval holds the true mean a / (a + b)."""
    generator = np.random.default_rng(7)
    hits = 0
    for _ in range(rounds):
        values = generator.binomial(k, generator.beta(a, b, num_problems)) / k
        low, high = mean_interval(values.tolist(), num_resamples=1000, seed=int(generator.integers(1 << 30)))
        hits += low <= a / (a + b) <= high
    return hits / rounds


@pytest.mark.parametrize(("a", "b", "num_problems", "k"), [(0.5, 0.5, 30, 32), (3, 1, 30, 4), (0.3, 0.7, 100, 16)])
def test_interval_covers(a: float, b: float, num_problems: int, k: int) -> None:
    """Nominal 95%; the bounds leave three standard errors of 400 rounds around 93 to 97 (benchmarks/ has 4,000)."""
    assert 0.92 < coverage(a, b, num_problems, k) < 0.985


@given(st.lists(st.integers(0, 8), min_size=1, max_size=40))
def test_interval_holds_its_mean_and_stays_in_range(counts: list[int]) -> None:
    values = [count / 8 for count in counts]
    low, high = mean_interval(values, num_resamples=500)
    assert 0 <= low <= fmean(values) + 1e-12
    assert fmean(values) - 1e-12 <= high <= 1
    assert low < high, "no data of finite size makes an interval of no width"


def test_nothing_solved_is_not_known_to_be_zero() -> None:
    low, high = mean_interval([0.0] * 30)
    assert low == 0.0
    assert 0.10 < high < 0.14
    assert mean_interval([0.0] * 300)[1] < 0.015


def test_interval_refuses_nonsense() -> None:
    for values in ([], [1.5], [-0.1, 0.5]):
        with pytest.raises(EstimateError):
            mean_interval(values)


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=9))
def test_sign_flip_is_the_enumeration(steps: list[int]) -> None:
    differences = [step / 4 for step in steps]
    observed = abs(sum(differences))
    flipped = [
        abs(sum(s * d for s, d in zip(signs, differences, strict=True)))
        for signs in itertools.product((1, -1), repeat=len(steps))
    ]
    assert sign_flip_p_value(differences) == pytest.approx(fmean(total >= observed - 1e-9 for total in flipped))


def test_drawn_sign_flips_agree_with_the_normal_limit() -> None:
    differences = np.random.default_rng(0).normal(0.05, 0.2, 60).tolist()
    z = sum(differences) / math.sqrt(sum(d * d for d in differences))
    assert sign_flip_p_value(differences) == pytest.approx(2 * stats.norm.sf(abs(z)), abs=0.01)


def test_p_value_is_uniform_where_there_is_no_difference() -> None:
    generator = np.random.default_rng(3)
    p_values = []
    for _ in range(1000):
        p_N = generator.beta(2, 2, 30)
        a, b = (generator.binomial(64, p_N) / 64 for _ in range(2))
        p_values.append(sign_flip_p_value((b - a).tolist(), num_flips=400, seed=int(generator.integers(1 << 30))))
    for level in (0.05, 0.2, 0.5):
        assert np.mean(np.array(p_values) <= level) == pytest.approx(
            level, abs=3.5 * math.sqrt(level * (1 - level) / 1000)
        )


def test_comparison_of_a_run_with_itself_says_nothing() -> None:
    same = compare_paired([0.5, 1.0, 0.0], [0.5, 1.0, 0.0], sampling_errors=(0.05, 0.05))
    assert same.difference == 0
    assert same.p_value == 1.0
    assert same.interval.low < 0 < same.interval.high
    assert same.same_benchmark_p_value == pytest.approx(1.0)


def test_comparison_knows_its_direction() -> None:
    a = [0.2, 0.4, 0.1, 0.5, 0.3, 0.2, 0.4, 0.3]
    b = [value + 0.3 + 0.01 * index for index, value in enumerate(a)]
    found = compare_paired(a, b, sampling_errors=(0.02, 0.02))
    assert found.interval.low > 0.25
    assert found.p_value == pytest.approx(2 / 2**8)
    assert (found.better, found.worse) == (8, 0)
    back = compare_paired(b, a, sampling_errors=(0.02, 0.02))
    assert back.difference == pytest.approx(-found.difference)
    assert back.interval.high == pytest.approx(-found.interval.low, abs=0.02)


def test_difference_interval_covers() -> None:
    generator = np.random.default_rng(5)
    p_all = generator.beta(1, 1, 1_000_000)
    expected = float(np.mean(np.clip(p_all + generator.normal(0.05, 0.1, len(p_all)), 0, 1) - p_all))
    hits = 0
    for _ in range(300):
        p_N = generator.beta(1, 1, 30)
        q_N = np.clip(p_N + generator.normal(0.05, 0.1, 30), 0, 1)
        d = generator.binomial(16, q_N) / 16 - generator.binomial(16, p_N) / 16
        low, high = difference_interval(d.tolist(), seed=int(generator.integers(1 << 30)))
        hits += low <= expected <= high
    assert 0.91 < hits / 300 < 0.985


@pytest.mark.parametrize(("num_problems", "k"), [(30, 32), (500, 4)])
def test_planned_power_is_the_power_that_is_seen(num_problems: int, k: int) -> None:
    """A shift of the size that `detectable_difference` names is found about 80% of the time on the same problems."""
    generator = np.random.default_rng(2)
    p_N = generator.uniform(0.2, 0.6, num_problems)
    variance = float(np.mean(p_N * (1 - p_N)))
    shift = detectable_difference(num_problems, k, variance)
    assert needed_problems(shift, k, variance) == num_problems
    assert needed_k(shift, num_problems, variance) == k
    found = 0
    for _ in range(400):
        a, b = generator.binomial(k, p_N) / k, generator.binomial(k, p_N + shift) / k
        errors = tuple(sampling_error((k * q * (1 - q) / (k - 1)).tolist(), [k] * num_problems) for q in (a, b))
        found += (
            compare_paired([float(a.mean())], [float(b.mean())], sampling_errors=errors).same_benchmark_p_value < 0.05
        )
    assert 0.72 < found / 400 < 0.88


def test_no_k_makes_up_for_too_few_problems() -> None:
    assert needed_k(0.01, 30, 0.2, heterogeneity=0.2) is None
    assert needed_k(0.01, 30, 0.2) is not None
    with pytest.raises(EstimateError):
        needed_problems(0.0, 4, 0.2)


def test_heterogeneity_is_what_sampling_does_not_explain() -> None:
    generator = np.random.default_rng(4)
    p_N = generator.uniform(0.3, 0.5, 4000)
    for spread in (0.0, 0.15):
        q_N = np.clip(p_N + generator.normal(0.05, spread, 4000), 0, 1)
        a, b = generator.binomial(8, p_N) / 8, generator.binomial(8, q_N) / 8
        variances = [(8 * q * (1 - q) / 7).tolist() for q in (a, b)]
        assert heterogeneity(a.tolist(), b.tolist(), *variances, 8) == pytest.approx(spread, abs=0.035)
