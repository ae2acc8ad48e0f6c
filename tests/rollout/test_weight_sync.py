"""Fingerprints see every change; the checks of a weight sync name what differs."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from or1_rollout import TensorStream, WeightMismatch
from or1_rollout.weight_sync import FingerprintingStream, Probe, fingerprint, fingerprints
from or1_rollout.weight_sync.check import check_fingerprints, check_probe
from or1_rollout.weight_sync.fingerprint import Slice
from or1_rollout.weight_sync.stream import write_tensors


@pytest.mark.parametrize(
    "dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64, torch.uint8]
)
def test_fingerprints_are_the_sums_that_they_say(dtype):
    """Against plain integers; more elements than are summed at a time, a transposed matrix, and nothing at all."""
    many, stream = 600_000, torch.Generator().manual_seed(0)
    tensors = {
        "long": torch.randint(-100, 100, (many,), generator=stream).to(dtype),
        "transposed": torch.randint(-100, 100, (3, 5), generator=stream).to(dtype).t(),
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


def test_one_byte_tensors_have_fingerprints():
    mask = torch.tensor([True, False, True])
    assert fingerprint(mask) != fingerprint(~mask) and fingerprint(mask.to(torch.uint8)) == fingerprint(mask)


@pytest.mark.parametrize(("rows", "columns"), [(7, 5), (600, 1000)])
def test_fingerprints_of_slices_add_up_to_that_of_the_whole(rows, columns):
    whole = torch.randn(rows, columns)
    cut_r, cut_c = rows // 3, columns // 2
    parts = [
        fingerprint(whole[r0:r1, c0:c1], Slice(r0, c0, columns))
        for r0, r1 in ((0, cut_r), (cut_r, rows))
        for c0, c1 in ((0, cut_c), (cut_c, columns))
    ]
    assert fingerprint(whole) == tuple(sum(values) % 2**64 for values in zip(*parts, strict=True))
    assert fingerprint(whole[:cut_r], Slice(1, 0, columns)) != fingerprint(whole[:cut_r], Slice(0, 0, columns))


def weights():
    generator = torch.Generator().manual_seed(0)
    names = ["model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.gate_proj.weight"]
    return {name: torch.randn(6, 4, generator=generator) for name in names}


def test_a_stream_records_the_fingerprints_of_what_it_sent():
    sent, tensors = FingerprintingStream(TensorStream(weights()), torch.bfloat16), weights()
    assert [(name, dtype, shape) for name, dtype, shape in sent.metadata()] == [
        (name, torch.bfloat16, (6, 4)) for name in tensors
    ]
    passed = dict(sent)
    assert all(torch.equal(passed[name], tensors[name].bfloat16()) for name in tensors)
    assert sent.fingerprints == fingerprints({name: tensor.bfloat16() for name, tensor in tensors.items()})
    assert sent.fingerprints != fingerprints(tensors), "the dtype counts"


def swapped(tensors):
    up, gate = "model.layers.0.mlp.up_proj.weight", "model.layers.0.mlp.gate_proj.weight"
    return {**tensors, up: tensors[gate], gate: tensors[up]}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda t: {**t, "model.embed_tokens.weight": t["model.embed_tokens.weight"] + 1e-6}, "2 of 4 .*embed_tokens"),
        (swapped, "2 of 4 .*gate_proj.*up_proj"),
        (lambda t: {name: tensor.bfloat16() for name, tensor in t.items()}, "4 of 4"),
        (lambda t: {name: tensor for name, tensor in t.items() if "up_proj" not in name}, "1 of 4 .*up_proj"),
        (lambda t: {**t, "lm_head.weight": t["model.embed_tokens.weight"] * 2}, "1 of 4 .*lm_head"),
        (lambda t: {**t, "stranger": torch.ones(1)}, "1 of 4 .*stranger"),
    ],
    ids=["stale", "swapped", "dtype", "missing", "stale tied head", "unknown"],
)
def test_fingerprints_that_differ_are_named(change, named):
    sent = fingerprints(weights())
    check_fingerprints(sent, fingerprints(weights()))
    tied = {**weights(), "lm_head.weight": weights()["model.embed_tokens.weight"]}
    check_fingerprints(sent, fingerprints(tied))
    with pytest.raises(WeightMismatch, match=named):
        check_fingerprints(sent, fingerprints(change(weights())))


def test_tensors_are_written_in_the_dtype_of_their_place():
    own = {name: torch.zeros(6, 4, dtype=torch.bfloat16) for name in weights()}
    own["lm_head.weight"] = own["model.embed_tokens.weight"]
    write_tensors(own, weights().items())
    assert all(torch.equal(own[name], tensor.bfloat16()) for name, tensor in weights().items())
    with pytest.raises(WeightMismatch, match=r"1 tensors were not sent: model.layers.0.mlp.up_proj.weight"):
        write_tensors(own, [item for item in weights().items() if "up_proj" not in item[0]])
    with pytest.raises(WeightMismatch, match=r"up_proj.weight of shape \(4, 6\) has shape \(6, 4\) there"):
        write_tensors(own, [("model.layers.0.mlp.up_proj.weight", torch.zeros(4, 6))])


@pytest.mark.parametrize("wrong", [[-1.0, -2.5, -3.0], [-1.0, float("nan"), -3.0], [-1.0, -2.02, -3.0]])
def test_the_probe_finds_what_fingerprints_cannot(wrong):
    probe = Probe(prompt_ids=[1], response_ids=[1, 2, 3], logprobs=[-1.0, -2.0, -3.0], tolerance=1e-3)
    check_probe(probe, [-1.0005, -2.001, -3.0])
    with pytest.raises(WeightMismatch, match="all tensors match"):
        check_probe(probe, wrong)
