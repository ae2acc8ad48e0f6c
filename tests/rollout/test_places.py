"""Writing tensors into storage where they lie turned, and comparing them with it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from or1_rollout.engines.transformers import places
from or1_rollout.engines.transformers.places import Place, equal, write
from or1_rollout.mkl import HAS_MKL

LONG = 40_000
"""More columns than are compared at a time."""


def turned_place(rows, columns, around=0, dtype=torch.float32):
    """Rows of a matrix that lies turned, with others before and behind; and the whole memory."""
    memory = torch.full((columns, rows + 2 * around), -7.0, dtype=dtype)
    return Place(memory.t()[around : around + rows], (rows, columns)), memory


@given(
    st.lists(st.tuples(st.integers(0, 70), st.integers(0, 70), st.integers(0, 3)), min_size=1, max_size=4), st.data()
)
def test_what_was_written_is_held_and_one_changed_element_is_not(shapes, data):
    stored = {str(i): turned_place(*shape) for i, shape in enumerate(shapes)}
    found = {name: place for name, (place, _) in stored.items()}
    values = {name: torch.randn(place.shape) for name, place in found.items()}
    write(found, values)
    assert equal(found, values) == values.keys()
    for (name, (place, memory)), (_, _, around) in zip(stored.items(), shapes, strict=True):
        assert all(place.view[r].tolist() == values[name][r].tolist() for r in range(len(values[name])))
        beside = memory[:, [*range(around), *range(memory.shape[1] - around, memory.shape[1])]]
        assert bool((beside == -7).all())  # the neighbours stay as they are
    filled = [name for name in values if values[name].numel()]
    if filled:
        name = data.draw(st.sampled_from(filled))
        rows, columns = found[name].shape
        row, column = data.draw(st.integers(0, rows - 1)), data.draw(st.integers(0, columns - 1))
        found[name].view[row, column] += 1
        assert equal(found, values) == values.keys() - {name}


@pytest.mark.parametrize("shape", [(3, LONG), (LONG, 3), (700, 65)])
@pytest.mark.parametrize("at", [0, -1])
def test_matrices_of_several_blocks(shape, at):
    place, _ = turned_place(*shape)
    value = torch.randn(shape)
    write({"w": place}, {"w": value})
    assert torch.equal(place.read(), value)
    assert equal({"w": place}, {"w": value}) == {"w"}
    place.view[at, at] += 1
    assert equal({"w": place}, {"w": value}) == set()


@pytest.mark.skipif(not HAS_MKL, reason="this torch has no MKL")
def test_mkl_takes_float32_only_and_whole_values(monkeypatch):
    seen = []
    write_turned = places.write_turned
    monkeypatch.setattr(places, "write_turned", lambda at, values: seen.append(len(values)) or write_turned(at, values))
    narrow, double = turned_place(4, 5)[0], turned_place(4, 5, dtype=torch.float64)[0]
    alone = Place.whole(torch.zeros(4, 5))
    values = {name: torch.randn(4, 5) for name in ("narrow", "double", "alone")}
    values["wide"] = torch.randn(5, 4).t()  # lies turned itself
    found = {"narrow": narrow, "double": double, "alone": alone, "wide": turned_place(4, 5)[0]}
    write(found, values)
    assert seen == [1]
    assert equal(found, values) == values.keys()
    assert all(torch.equal(found[name].read().float(), values[name]) for name in values)
