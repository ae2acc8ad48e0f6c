"""Seeds in, completions in any order, groups out; and prompts as ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_rollout.async_engine import BlockingEngine
from or1_rollout.groups import GroupCollector, limited, seeds_of
from or1_rollout.seeds import sample_seed
from or1_rollout.types import Completion, FinishReason, SamplingParams


def completion(seed: int) -> Completion:
    return Completion(token_ids=(seed,), logprobs=None, text=str(seed), finish_reason=FinishReason.STOP, seed=seed)


@given(st.integers(1, 4), st.integers(1, 4), st.data())
def test_groups_are_whole_and_in_order_however_completions_arrive(
    num_prompts: int, group_size: int, data: st.DataObject
) -> None:
    told: list[tuple[int, list[int]]] = []
    samples: list[tuple[int, int, int]] = []
    gathering = GroupCollector(
        num_prompts,
        group_size,
        lambda p, group: told.append((p, [c.seed for c in group])),
        lambda p, g, sample: samples.append((p, g, sample.seed)),
    )
    places = [(p, g) for p in range(num_prompts) for g in range(group_size)]
    order = data.draw(st.permutations(places))
    for p, g in order:
        gathering.put(p, g, completion(10 * p + g))
    expected = [[10 * p + g for g in range(group_size)] for p in range(num_prompts)]
    assert [[c.seed for c in group] for group in gathering.groups()] == expected
    assert sorted(told) == list(enumerate(expected))
    assert samples == [(p, g, 10 * p + g) for p, g in order]


def test_seeds_are_derived_or_must_have_the_shape_of_the_samples() -> None:
    params = SamplingParams(n=2, max_new_tokens=1, seed=5)
    assert seeds_of(params, 2, None)[1][0] == sample_seed(5, 0, 1, 0)
    assert seeds_of(params, 1, [[7, 8]]) == [[7, 8]]
    with pytest.raises(ValueError, match=r"\[2\]\[2\]"):
        seeds_of(params, 2, [[7, 8], [9]])


def test_a_limit_of_a_prompt_lowers_the_common_one_and_never_raises_it() -> None:
    params = SamplingParams(n=2, max_new_tokens=9, temperature=0.5)
    assert [one.max_new_tokens for one in limited(params, 3, [4, 9, 30])] == [4, 9, 9]
    assert limited(params, 2, None) == [params, params]
    assert limited(params, 1, [4])[0].temperature == 0.5
    for wrong in ([4], [4, 0]):
        with pytest.raises(ValueError, match=r"limits must be 2|at least 1"):
            limited(params, 2, wrong)


@pytest.mark.parametrize("temperature", [-0.5, float("nan"), float("inf")])
def test_a_temperature_that_nothing_can_be_drawn_at_is_refused(temperature: float) -> None:
    with pytest.raises(ValueError, match="temperature"):
        SamplingParams(temperature=temperature)


def test_an_engine_that_inherits_and_lacks_a_method_cannot_be_made() -> None:
    class Unsynced(BlockingEngine):
        def generate(self, prompts, params, **options):  # type: ignore[no-untyped-def]
            return []

    with pytest.raises(TypeError, match="sync_weights"):
        Unsynced()  # type: ignore[abstract]
