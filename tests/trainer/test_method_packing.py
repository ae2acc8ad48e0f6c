"""Packing: what each label and mask position means, budgets, balance."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from or1_trainer.method.packing import Sample, balance, microbatches, pack

LENGTHS = st.lists(st.integers(1, 50), min_size=1, max_size=40)


def test_labels_and_mask_name_the_response_tokens_of_each_sequence():
    samples = [
        Sample(prompt_ids=[1, 2, 3], response_ids=[4, 5], advantage=0.5, engine_logprobs=[-0.1, -0.2]),
        Sample(prompt_ids=[6], response_ids=[7, 8, 9], advantage=-1.0, engine_logprobs=[-0.3, -0.4, -0.5]),
    ]
    batch = pack(samples)
    assert batch.token_ids_T.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert batch.positions_T.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3]
    assert batch.cu_seqlens_B1.tolist() == [0, 5, 9] and batch.max_seqlen == 5
    assert batch.labels_T[batch.loss_mask_T].tolist() == [4, 5, 7, 8, 9]
    assert batch.advantages_M.tolist() == [0.5, 0.5, -1.0, -1.0, -1.0]
    assert torch.allclose(batch.engine_logprobs_M, torch.tensor([-0.1, -0.2, -0.3, -0.4, -0.5]))


@given(LENGTHS, st.integers(1, 5))
def test_balance_deals_every_sequence_once_and_evenly(lengths, ranks):
    shares = balance(lengths, ranks)
    assert sorted(index for share in shares for index in share) == list(range(len(lengths)))
    loads = [sum(lengths[i] for i in share) for share in shares]
    assert max(loads) <= sum(lengths) / ranks + max(lengths)


@given(LENGTHS, st.integers(1, 120))
def test_microbatches_keep_the_budget_and_lose_nothing(lengths, budget):
    bins = microbatches(lengths, budget)
    assert sorted(index for bin_ in bins for index in bin_) == list(range(len(lengths)))
    for bin_ in bins:
        assert len(bin_) == 1 or sum(lengths[i] for i in bin_) <= budget
    fullest_pairs = [sum(lengths[i] for i in bin_) for bin_ in bins]
    assert sum(1 for load in fullest_pairs if load * 2 <= budget) <= 1  # two half-empty bins would have been one
