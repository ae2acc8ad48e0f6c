"""Group advantages against a plain-Python computation of PAPER eq. 2.5."""

import statistics

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from or1_trainer.algorithm.advantages import group_advantages

GROUP = st.lists(st.sampled_from([0.0, 1.0]), min_size=2, max_size=16)


def advantages(rewards, *, valid=None, truncated=None, **options):
    shape = (1, len(rewards))
    valid = [True] * len(rewards) if valid is None else valid
    truncated = [False] * len(rewards) if truncated is None else truncated
    result = group_advantages(
        torch.tensor(rewards, dtype=torch.float64).reshape(shape),
        torch.tensor(valid).reshape(shape),
        torch.tensor(truncated).reshape(shape),
        **options,
    )
    return result[0].tolist()


@given(GROUP)
def test_equals_mean_and_unbiased_deviation(rewards):
    got = advantages(rewards)
    if len(set(rewards)) == 1:
        assert got == [0.0] * len(rewards)
        return
    mean, deviation = statistics.fmean(rewards), statistics.stdev(rewards)
    for value, reward in zip(got, rewards, strict=True):
        assert abs(value - (reward - mean) / (deviation + 1e-6)) < 1e-9


def test_equal_rewards_give_exactly_zero_even_where_the_mean_rounds():
    assert advantages([0.1] * 7) == [0.0] * 7  # the float mean of seven 0.1 is not 0.1


@given(GROUP, st.data())
def test_a_verifier_error_is_no_member(rewards, data):
    valid = data.draw(st.lists(st.booleans(), min_size=len(rewards), max_size=len(rewards)))
    got = advantages(rewards, valid=valid)
    members = [r for r, v in zip(rewards, valid, strict=True) if v]
    alone = iter(advantages(members)) if len(members) > 1 else iter([0.0] * len(members))
    expected = [next(alone) if v else 0.0 for v in valid]
    assert torch.allclose(torch.tensor(got), torch.tensor(expected), atol=1e-12)


def test_mask_before_takes_truncated_responses_out_of_the_statistics():
    rewards, truncated = [1.0, 0.0, 0.0, 0.0], [False, False, True, True]
    before = advantages(rewards, truncated=truncated, mask="before")
    assert before[2:] == [0.0, 0.0]
    assert torch.allclose(torch.tensor(before[:2]), torch.tensor(advantages([1.0, 0.0])))


def test_mask_after_keeps_the_statistics_and_zeroes_the_truncated():
    rewards, truncated = [1.0, 0.0, 0.0, 0.0], [False, False, True, True]
    unmasked, after = advantages(rewards), advantages(rewards, truncated=truncated, mask="after")
    assert after[:2] == unmasked[:2] and after[2:] == [0.0, 0.0] and unmasked[2] < 0


@settings(max_examples=25)
@given(st.permutations(range(6)))
def test_order_within_the_group_does_not_matter(order):
    rewards = [1.0, 0.0, 1.0, 0.0, 0.0, 1.0]
    shuffled = advantages([rewards[i] for i in order])
    assert torch.allclose(torch.tensor(shuffled), torch.tensor(advantages(rewards))[list(order)])
