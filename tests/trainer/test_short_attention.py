"""Attention over short pieces and shared prompts, against one softmax over all tokens in float64."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from or1_trainer.policy.prefix_buckets import ShortPlan, prefix_buckets, short_turns
from or1_trainer.policy.short_attention import short_attention

GROUPS, QUERIES, DIM = 2, 3, 4


@st.composite
def layouts(draw):
    """(lengths, prefixes): pieces of which some go on from an earlier whole one; some are empty."""
    lengths, prefixes = [], []
    for _ in range(draw(st.integers(1, 5))):
        prompt = draw(st.integers(1, 40))
        responses = draw(st.lists(st.integers(0, 40), max_size=4))
        lengths += [prompt, *responses]
        prefixes += [-1, *[len(prefixes)] * len(responses)]
    return lengths, prefixes


def plain(mixed_TGRD, rotation_T, bounds, prefixes):
    """Softmax over all tokens, with the definition of who sees whom as a table."""
    turned = torch.view_as_complex(mixed_TGRD[..., :-1, :].unflatten(-1, (-1, 2)).contiguous()) * rotation_T[:, None]
    turned, value = torch.view_as_real(turned).flatten(-2), mixed_TGRD[..., -1, :]
    piece_T = torch.repeat_interleave(torch.arange(len(prefixes)), torch.tensor(bounds).diff())
    prefix_T, place_T = torch.tensor(prefixes)[piece_T], torch.arange(len(piece_T))
    sees_TT = (piece_T[:, None] == piece_T) & (place_T[:, None] >= place_T) | (prefix_T[:, None] == piece_T)
    scores = torch.einsum("tgrd,sgd->tgrs", turned[:, :, :-1], turned[:, :, -1]) / DIM**0.5
    probs = scores.masked_fill(~sees_TT[:, None, None], float("-inf")).softmax(-1)
    return torch.einsum("tgrs,sgd->tgrd", probs, value).flatten(1)


@settings(max_examples=25, deadline=None)
@given(layouts(), st.randoms(use_true_random=False))
def test_outputs_and_gradients_are_those_of_the_plain_formula(layout, random):
    lengths, prefixes = layout
    torch.manual_seed(random.randrange(2**31))
    bounds = [0, *torch.tensor(lengths).cumsum(0).tolist()]
    tokens = bounds[-1]
    mixed = torch.randn(tokens, GROUPS, QUERIES + 2, DIM, dtype=torch.float64, requires_grad=True)
    rotation = torch.polar(
        torch.ones(tokens, 1, DIM // 2, dtype=torch.float64), torch.randn(tokens, 1, DIM // 2).double()
    )
    buckets = prefix_buckets(torch.tensor(bounds), torch.tensor(prefixes), torch.float64)
    plan = ShortPlan(buckets, tokens, *short_turns(rotation, GROUPS, QUERIES))
    got, expected = short_attention(mixed, plan), plain(mixed, rotation, bounds, prefixes)
    assert torch.allclose(got, expected, rtol=0, atol=1e-13)
    weight = torch.randn_like(got)
    (grad,) = torch.autograd.grad((got * weight).sum(), mixed)
    (expected_grad,) = torch.autograd.grad((expected * weight).sum(), mixed)
    assert torch.allclose(grad, expected_grad, rtol=0, atol=1e-12)


@settings(deadline=None)
@given(layouts())
def test_every_token_has_one_real_slot(layout):
    lengths, prefixes = layout
    bounds = torch.tensor([0, *lengths]).cumsum(0)
    rows = []
    for bucket in prefix_buckets(bounds, torch.tensor(prefixes), torch.float32):
        rows.append(bucket.take_S if bucket.real_slots is None else bucket.take_S[bucket.real_slots])
        assert len(bucket.take_S) == bucket.batch * bucket.length
    assert torch.cat(rows).sort().values.tolist() == list(range(int(bounds[-1])))


def test_gradcheck():
    bounds, prefixes = torch.tensor([0, 3, 7, 9]), torch.tensor([-1, 0, 0])
    mixed = torch.randn(9, 1, 4, 2, dtype=torch.float64, requires_grad=True)
    rotation = torch.polar(torch.ones(9, 1, 1, dtype=torch.float64), torch.randn(9, 1, 1, dtype=torch.float64))
    buckets = prefix_buckets(bounds, prefixes, torch.float64)
    plan = ShortPlan(buckets, 9, *short_turns(rotation, 1, 2))
    assert torch.autograd.gradcheck(lambda x: short_attention(x, plan), mixed)


@pytest.mark.parametrize("share", [False, True])
def test_a_later_token_changes_nothing_before_it(share):
    bounds = torch.tensor([0, 3, 7, 9])
    buckets = prefix_buckets(bounds, torch.tensor([-1, 0, 0] if share else [-1, -1, -1]), torch.float64)
    mixed, rotation = torch.randn(9, 1, 4, 2).double(), torch.ones(9, 1, 1, dtype=torch.complex128)
    plan = ShortPlan(buckets, 9, *short_turns(rotation, 1, 2))
    before = short_attention(mixed, plan)
    mixed[5] += 1.0
    changed = (short_attention(mixed, plan) != before).any(1)
    assert changed.tolist() == [False] * 5 + [True, True, False, False]
