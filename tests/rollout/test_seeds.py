"""Random numbers as a function of seed and position."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from or1_rollout import sample_seed
from or1_rollout.seeds import uniforms_at


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
    got = uniforms_at([seed] * count, range(start, start + count))
    assert got.tolist() == [(value >> 11) * 2.0**-53 for value in expected]
    assert uniforms_at([seed, 7], [start, 3]).tolist() == [got[0], *uniforms_at([7], [3])]


def test_uniforms_are_uniform_and_rows_differ():
    seeds = [sample_seed(0, 0, "p", g) for g in range(200)]
    numbers = np.stack([uniforms_at(seeds, [place] * 200) for place in range(200)], axis=1)
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


def test_any_integer_is_a_seed():
    negative, same, other = uniforms_at([-1, 2**64 - 1, 1], [3, 3, 3])
    assert negative == same != other
