"""Checks that an engine holds the weights it was sent and computes with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from or1_rollout.errors import WeightMismatch
from or1_rollout.weight_sync.fingerprint import Fingerprint

NAMES_SHOWN = 5
"""Tensors that an error names; the rest is counted."""

HEAD, EMBEDDING = "lm_head.weight", "model.embed_tokens.weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A prompt and a response whose log-probs trainer and engine must agree on.

    It finds what a comparison of tensors cannot: a kernel that computes with a copy of its own.
    """

    prompt_ids: Sequence[int]
    response_ids: Sequence[int]
    logprobs: Sequence[float]
    """The trainer's, of every response token at temperature 1."""
    tolerance: float
    """Largest mean difference that is accepted, in nats; a single token may differ by ten times as much."""


def check_fingerprints(sent: Mapping[str, Fingerprint], held: Mapping[str, Fingerprint]) -> None:
    """Raise `WeightMismatch` if fingerprints differ or one side lacks a tensor.

    A tied output head may be missing on one side: it is compared with the embedding.
    """
    sent, held = _with_tied_head(sent), _with_tied_head(held)
    names = sorted(name for name in sent.keys() | held.keys() if sent.get(name) != held.get(name))
    if not names:
        return
    more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
    raise WeightMismatch(
        f"weight sync failed: {len(names)} of {len(sent)} tensors differ between trainer and engine: "
        f"{', '.join(names[:NAMES_SHOWN])}{more}. The engine would sample from a stale policy"
    )


def check_probe(probe: Probe, logprobs: Sequence[float]) -> None:
    """Raise `WeightMismatch` if the engine's log-probs differ from the trainer's by more than the tolerance."""
    gaps = [abs(ours - theirs) for ours, theirs in zip(probe.logprobs, logprobs, strict=True)]
    mean, largest = sum(gaps) / len(gaps), max(gaps)
    if not (mean <= probe.tolerance and largest <= 10 * probe.tolerance):  # also true for NaN
        raise WeightMismatch(
            f"weight sync failed: all tensors match, but log-probs of trainer and engine differ by {mean:.3g} nats on "
            f"average and {largest:.3g} at most (allowed: {probe.tolerance:g} and {10 * probe.tolerance:g}). The "
            f"engine computes with other weights or another model"
        )


def _with_tied_head(fingerprints: Mapping[str, Fingerprint]) -> Mapping[str, Fingerprint]:
    return {HEAD: fingerprints[EMBEDDING], **fingerprints} if EMBEDDING in fingerprints else fingerprints
