"""Proof that an engine holds the weights that were pushed into it: fingerprints and probe log-probs (DESIGN §5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from or1_rollout.errors import WeightPushError

if TYPE_CHECKING:
    from torch import Tensor

SHOWN = 5
"""Tensors named in an error; the rest is counted."""

_CHUNK = 1 << 24


class Fingerprint(NamedTuple):
    """Exact integers of a tensor's bits: element count, sum, and sum weighted by position, both modulo 2^64."""

    num_elements: int
    bits_sum: int
    placed_sum: int


class Slice(NamedTuple):
    """Where a two-dimensional piece lies in its whole matrix: first row, first column, columns of the whole."""

    row: int
    column: int
    columns: int


def fingerprint(tensor: Tensor, slice_of: Slice | None = None) -> Fingerprint:
    """Fingerprint of the values in their dtype; on the tensor's own device, without rounding.

    Equal tensors give equal fingerprints on every device (-0.0 equals 0.0, which a matrix product cannot tell apart);
    a changed, swapped or stale element changes it. The dtype counts: compare tensors after casting them to the
    engine's. The fingerprints of disjoint slices add up to that of the whole, modulo 2^64.
    """
    return fingerprints({"": tensor})[""] if slice_of is None else _slice_fingerprint(tensor, slice_of)


def fingerprints(named: Mapping[str, Tensor]) -> dict[str, Fingerprint]:
    """Of many tensors of one device, in one program and with one look at the result."""
    from or1_rollout.weight_sync.bits import bit_sums

    sums = bit_sums(list(named.values()))
    return {
        name: Fingerprint(tensor.numel(), bits % 2**64, placed % 2**64)
        for (name, tensor), (bits, placed) in zip(named.items(), sums, strict=True)
    }


def _slice_fingerprint(tensor: Tensor, slice_of: Slice) -> Fingerprint:
    """The slice's share of the whole matrix's sums."""
    import torch

    from or1_rollout.weight_sync.bits import PLACE

    integer = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[tensor.element_size()]
    flat, width = tensor.detach().contiguous().view(-1), tensor.shape[-1]
    bits_sum = placed_sum = 0
    for start in range(0, flat.numel(), _CHUNK):
        values = flat[start : start + _CHUNK]
        values = values + 0.0 if values.is_floating_point() and values.element_size() > 1 else values
        chunk = values.view(integer).to(torch.int64)
        places = torch.arange(start, start + chunk.numel(), device=chunk.device)
        places = (places // width + slice_of.row) * slice_of.columns + places % width + slice_of.column
        weights = places.mul_(PLACE).add_(1)
        bits, placed = torch.stack((chunk.sum(), (chunk * weights).sum())).tolist()
        bits_sum, placed_sum = bits_sum + bits, placed_sum + placed
    return Fingerprint(flat.numel(), bits_sum % 2**64, placed_sum % 2**64)


def prove_push(
    *,
    expected_fingerprints: Mapping[str, Fingerprint],
    engine_fingerprints: Mapping[str, Fingerprint],
    expected_probe_logprobs: Sequence[float],
    engine_probe_logprobs: Sequence[float],
    tolerance: float,
) -> None:
    """Raise `WeightPushError` unless the engine holds what was sent and computes with it.

    A tied output head may appear on one side only: it is compared with the embedding. For the probe see `prove_probe`.
    """
    prove_fingerprints(expected_fingerprints, engine_fingerprints)
    prove_probe(expected_probe_logprobs, engine_probe_logprobs, tolerance=tolerance)


def prove_fingerprints(expected: Mapping[str, Fingerprint], engine: Mapping[str, Fingerprint]) -> None:
    """Raise `WeightPushError` if a tensor's fingerprints differ, or one side lacks it."""
    sent, held = _with_tied_head(expected), _with_tied_head(engine)
    prove_held([name for name in sent.keys() | held.keys() if sent.get(name) != held.get(name)], len(sent))


def prove_held(differing: Sequence[str], total: int) -> None:
    """Raise `WeightPushError` if of `total` tensors these differ between trainer and engine."""
    if differing:
        wrong = sorted(differing)
        shown = ", ".join(wrong[:SHOWN]) + (f" and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else "")
        raise WeightPushError(
            f"after the push the engine holds other values than the trainer in {len(wrong)} of {total} "
            f"tensors: {shown}. Its rollouts would come from a stale policy; the run stops before the next one."
        )


def prove_probe(expected: Sequence[float], engine: Sequence[float], *, tolerance: float) -> None:
    """Raise `WeightPushError` if a log-prob of the probe differs by more than `tolerance`, in nats.

    It catches what a comparison of tensors cannot see: a kernel that uses another copy.
    """
    gaps = [abs(a - b) for a, b in zip(expected, engine, strict=True)]
    if any(not gap <= tolerance for gap in gaps):  # `not <=` also catches NaN
        raise WeightPushError(
            f"all tensors match, yet the engine's log-probs of the probe differ from the trainer's by up to "
            f"{max(gaps):.3g} nats (allowed: {tolerance:g}): it computes with other weights or another model"
        )


def _with_tied_head(fingerprints: Mapping[str, Fingerprint]) -> dict[str, Fingerprint]:
    embedding = fingerprints.get("model.embed_tokens.weight")
    return dict(fingerprints) if embedding is None else {"lm_head.weight": embedding, **fingerprints}
