"""Packing: what each label and position means, shared prompts, budgets, balance."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from or1_trainer.algorithm.packing import Sample, Size, balance, microbatches, pack

DRAWN = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 50)), min_size=1, max_size=40)


def drawn_samples(drawn):
    """(prompt, response length): prompt k has k + 1 tokens."""
    return [
        Sample(prompt_ids=[100 + kind] * (kind + 1), response_ids=list(range(count)), advantage=float(index))
        for index, (kind, count) in enumerate(drawn)
    ]


def sizes(samples):
    return [Size(tuple(s.prompt_ids), len(s.prompt_ids), len(s.response_ids)) for s in samples]


def packed_tokens(samples):
    """Tokens of a micro-batch, each distinct prompt counted once."""
    prompts = {tuple(sample.prompt_ids) for sample in samples}
    return sum(map(len, prompts)) + sum(len(sample.response_ids) for sample in samples)


def test_labels_and_positions_name_the_response_tokens_of_each_sequence():
    samples = [
        Sample(prompt_ids=[1, 2, 3], response_ids=[4, 5], advantage=0.5, engine_logprobs=[-0.1, -0.2]),
        Sample(prompt_ids=[6], response_ids=[7, 8, 9], advantage=-1.0, engine_logprobs=[-0.3, -0.4, -0.5]),
        Sample(prompt_ids=[1, 2, 3], response_ids=[9], advantage=2.0, engine_logprobs=[-0.6]),
    ]
    batch = pack(samples)
    assert batch.token_ids_T.tolist() == [1, 2, 3, 4, 6, 7, 8]  # the last token of a sequence predicts nothing
    assert batch.positions_T.tolist() == [0, 1, 2, 3, 0, 1, 2]
    assert batch.cu_seqlens_K1.tolist() == [0, 3, 4, 4, 5, 7] and batch.prefix_K.tolist() == [-1, 0, 0, -1, 3]
    assert batch.labels_M.tolist() == [4, 5, 7, 8, 9, 9]
    assert batch.token_ids_T[batch.source_M].tolist() == [3, 4, 6, 7, 8, 3]
    assert batch.advantages_M.tolist() == [0.5, 0.5, -1.0, -1.0, -1.0, 2.0]
    assert batch.sequence_M.tolist() == [0, 0, 1, 1, 1, 2] and batch.lengths_B.tolist() == [2, 3, 1]
    assert torch.allclose(batch.engine_logprobs_M, torch.tensor([-0.1, -0.2, -0.3, -0.4, -0.5, -0.6]))


def test_arrays_are_packed_like_lists():
    lists = Sample(prompt_ids=[1, 2], response_ids=[3, 4], advantage=1.0, engine_logprobs=[-0.5, -0.25])
    arrays = Sample(
        prompt_ids=np.array([1, 2], dtype=np.int32),
        response_ids=np.array([3, 4], dtype=np.int32),
        advantage=1.0,
        engine_logprobs=np.array([-0.5, -0.25], dtype=np.float32),
    )
    one, other, both = pack([lists, lists]), pack([arrays, arrays]), pack([lists, arrays])
    for name in ("token_ids_T", "positions_T", "source_M", "labels_M", "engine_logprobs_M"):
        assert torch.equal(getattr(one, name), getattr(other, name))
        assert torch.equal(getattr(one, name), getattr(both, name))


@given(DRAWN)
def test_a_prompt_is_packed_once_and_every_token_is_predicted_by_the_one_before_it(drawn):
    batch = pack(drawn_samples(drawn))
    once = sum(kind + 1 for kind in {kind for kind, _ in drawn})
    assert batch.token_ids_T.numel() == once + sum(max(0, count - 1) for _, count in drawn)
    assert batch.labels_M.tolist() == [token for _, count in drawn for token in range(count)]
    positions, before = [], []
    for kind, count in drawn:
        positions += range(kind, kind + count)
        before += [100 + kind, *range(count)][:count]
    assert batch.positions_T[batch.source_M].tolist() == positions
    assert batch.token_ids_T[batch.source_M].tolist() == before


@given(DRAWN, st.integers(1, 5))
def test_balance_deals_every_sample_once_and_evenly(drawn, ranks):
    samples = drawn_samples(drawn)
    shares = balance(sizes(samples), ranks)
    assert sorted(index for share in shares for index in share) == list(range(len(samples)))
    loads = [sum(samples[i].num_tokens for i in share) for share in shares]
    total, longest = sum(loads), max(sample.num_tokens for sample in samples)
    assert max(loads) <= 1.25 * total / ranks + longest + 4 * 50


def test_balance_keeps_prompts_together():
    samples = drawn_samples([(kind, 40) for kind in range(8) for _ in range(8)])
    for share in balance(sizes(samples), 2):
        assert len(share) == 32 and len({len(samples[index].prompt_ids) for index in share}) == 4


@given(DRAWN, st.integers(1, 120))
def test_microbatches_keep_the_budget_and_lose_nothing(drawn, budget):
    samples = drawn_samples(drawn)
    bins = [[samples[index] for index in members] for members in microbatches(samples, budget)]
    flat = [sample.advantage for members in bins for sample in members]
    assert sorted(flat) == [float(index) for index in range(len(samples))]
    for members in bins:
        assert len(members) == 1 or packed_tokens(members) <= budget


def test_microbatches_count_a_shared_prompt_once():
    samples = [Sample(prompt_ids=[7] * 90, response_ids=[1, 2], advantage=0.0) for _ in range(5)]
    assert microbatches(samples, 100) == [[0, 1, 2, 3, 4]]
    assert microbatches(samples, 95) == [[0, 1], [2, 3], [4]]
