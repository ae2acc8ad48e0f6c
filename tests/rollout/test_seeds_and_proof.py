"""Random numbers as a function of place, and fingerprints that see every change."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from or1_rollout import WeightPushError, fingerprint, fingerprints, prove_push, sample_seed
from or1_rollout.seeds import uniforms


def splitmix64(state):
    """The published generator, one number at a time in plain integers."""
    mask = (1 << 64) - 1
    while True:
        state = (state + 0x9E3779B97F4A7C15) & mask
        z = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & mask
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & mask
        yield z ^ (z >> 31)


@given(st.integers(0, 2**63 - 1), st.integers(0, 40), st.integers(1, 20))
def test_uniforms_are_splitmix64_at_any_place(seed, start, count):
    stream = splitmix64(seed)
    expected = [next(stream) for _ in range(start + count)][start:]
    got = uniforms([7, seed], start, start + count)[1]
    assert got.tolist() == [(value >> 11) * 2.0**-53 for value in expected]


def test_uniforms_are_uniform_and_rows_differ():
    numbers = uniforms([sample_seed(0, 0, "p", g) for g in range(200)], 0, 200)
    assert numbers.min() >= 0 and numbers.max() < 1
    assert abs(numbers.mean() - 0.5) < 0.01 and abs(numbers.var() - 1 / 12) < 0.005
    assert abs(np.corrcoef(numbers[:-1].ravel(), numbers[1:].ravel())[0, 1]) < 0.03


def test_every_part_of_the_place_counts_and_the_value_is_stable():
    places = [
        (0, 0, "a", 0),
        (1, 0, "a", 0),
        (0, 1, "a", 0),
        (0, 0, "b", 0),
        (0, 0, "a", 1),
        (0, 0, 11, 1),
        (0, 0, 1, 11),
    ]
    assert len({sample_seed(*place) for place in places}) == len(places)
    assert all(0 <= sample_seed(*place) < 2**63 for place in places)
    assert sample_seed(0, 0, "a", 0) == 5032344633499180295  # pinned: stored runs are drawn again from it


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8]
)
def test_fingerprints_are_the_sums_that_they_say(dtype):
    """Against plain integers; more elements than are summed at a time, a transposed matrix, and nothing at all."""
    many, stream = 70_000, torch.Generator().manual_seed(0)
    tensors = {
        "long": torch.randint(-100, 100, (many,), generator=stream).to(dtype),
        "turned": torch.randint(-100, 100, (3, 5), generator=stream).to(dtype).t(),
        "none": torch.zeros(0, dtype=dtype),
        "zeros": torch.tensor([0.0, -0.0]).to(dtype),
    }
    integer = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[dtype.itemsize]
    for name, (count, bits, placed) in fingerprints(tensors).items():
        values = (tensors[name].contiguous() + 0).view(integer).flatten().tolist()
        assert count == len(values) and bits == sum(values) % 2**64
        assert placed == sum(value * (1 + place * 0x9E3779B1) for place, value in enumerate(values)) % 2**64
        assert fingerprint(tensors[name]) == (count, bits, placed)


@given(st.lists(st.floats(-4, 4, width=32), min_size=2, max_size=30), st.data())
def test_one_changed_or_swapped_element_changes_the_fingerprint(values, data):
    tensor = torch.tensor(values, dtype=torch.float32)
    place = data.draw(st.integers(0, len(values) - 1))
    changed = tensor.clone()
    changed[place] = torch.nextafter(changed[place], torch.tensor(9.0))
    assert fingerprint(changed) != fingerprint(tensor) == fingerprint(tensor.clone().view(1, -1))
    swapped = tensor.flip(0)
    if not torch.equal(swapped, tensor):
        assert fingerprint(swapped) != fingerprint(tensor)


def test_the_probe_sees_what_fingerprints_cannot():
    same = {"w": fingerprint(torch.ones(3))}
    for wrong in ([-1.0, -2.5], [-1.0, float("nan")]):
        with pytest.raises(WeightPushError, match="probe"):
            prove_push(
                expected_fingerprints=same,
                engine_fingerprints=same,
                expected_probe_logprobs=[-1.0, -2.0],
                engine_probe_logprobs=wrong,
                tolerance=1e-3,
            )


def test_any_integer_is_a_seed_and_one_byte_tensors_have_fingerprints():
    assert uniforms([-1], 0, 3).tolist() == uniforms([2**64 - 1], 0, 3).tolist() != uniforms([1], 0, 3).tolist()
    mask = torch.tensor([True, False, True])
    assert fingerprint(mask) != fingerprint(~mask) and fingerprint(mask.to(torch.uint8)) == fingerprint(mask)
