"""Weights from the trainer into the engine, and the proof that they arrived (DESIGN §5).

vLLM once served an old output head without a word (DESIGN §7); so every push is checked before the next rollout:
version, fingerprint of every tensor as the engine uses it, and log-probs of a probe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from or1_rollout.engine import HoldsWeights
from or1_rollout.lanes import in_lanes
from or1_rollout.weight_sync.proof import Fingerprint, fingerprints, prove_fingerprints, prove_held, prove_probe
from or1_trainer.algorithm.packing import Sample, pack
from or1_trainer.train.fleet import Fleet
from or1_trainer.train.learner import Learner


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A prompt with a response whose log-probs trainer and engine must agree on."""

    prompt_ids: Sequence[int]
    response_ids: Sequence[int]


PROBE_TOLERANCE = {torch.float64: 1e-3, torch.float32: 1e-3, torch.bfloat16: 0.5}
"""Largest |difference| of a probe log-prob, in nats, by the coarser dtype of the two sides.

float32 rounding stays below 1e-4, and a stale head gave 0.43. Two bfloat16 kernels differ by 0.01 to 0.02 in the mean
and by far more in single tokens (PEERS §4): there the fingerprints, which are exact, are the sharper half.
"""

PROBE_TOKENS = 16
"""A stale tensor shows within a few tokens; more would only cost time."""

WITNESS_BYTES = 2**26
"""Tensors that are kept until their fingerprints are taken together; more would be a second model in memory."""


class Stream(Protocol):
    """Named tensors, described beforehand."""

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """A fresh pass."""

    def metadata(self) -> list[tuple[str, torch.dtype, tuple[int, ...]]]:
        """Names, dtypes and whole shapes, in the order of iteration."""


class Cast:
    """A stream of weights as the engine will hold them."""

    def __init__(self, weights: Stream, dtype: torch.dtype | None) -> None:
        """`dtype` is the engine's; None: it takes tensors as they are."""
        self._weights, self._dtype = weights, dtype

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """A fresh pass; collective where the weights are."""
        for name, tensor in self._weights:
            yield name, tensor if self._dtype in (None, tensor.dtype) else tensor.to(self._dtype)

    def metadata(self) -> list[tuple[str, torch.dtype, tuple[int, ...]]]:
        """See `Stream`."""
        return [(name, self._dtype or dtype, shape) for name, dtype, shape in self._weights.metadata()]


class Witness(Cast):
    """A stream that remembers the fingerprint of each tensor."""

    def __init__(self, weights: Stream, dtype: torch.dtype | None) -> None:
        """See `Cast`."""
        super().__init__(weights, dtype)
        self._seen: dict[str, Fingerprint] = {}
        self._held: dict[str, Tensor] = {}

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """A fresh pass; collective where the weights are."""
        held_bytes = 0
        for name, cast in super().__iter__():
            self._held[name] = cast
            held_bytes += cast.nbytes
            if held_bytes > WITNESS_BYTES:
                self.fingerprints()
                held_bytes = 0
            yield name, cast

    def fingerprints(self) -> dict[str, Fingerprint]:
        """Of all that went by."""
        self._seen |= fingerprints(self._held)
        self._held = {}
        return self._seen


class WeightCopy:
    """The weights of one moment in the host's memory, for a push that must wait for its engine."""

    def __init__(self, weights: Stream) -> None:
        """Copy; collective where the weights are."""
        self._metadata = weights.metadata()
        self._held = [(name, tensor.to("cpu", copy=True)) for name, tensor in weights]

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """A fresh pass."""
        return iter(self._held)

    def metadata(self) -> list[tuple[str, torch.dtype, tuple[int, ...]]]:
        """See `Stream`."""
        return self._metadata


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Push:
    """Weights to send, and what the engine must then answer."""

    weights: Stream
    probe: Probe
    probe_logprobs: Callable[[], Sequence[float]]
    """The trainer's, of these weights."""
    version: int
    dtype: torch.dtype
    """Of the policy; an engine that does not tell its own (servers) must hold the same: fingerprints are of bits."""
    is_local: bool
    """Whether sending and the trainer's half of the proof need no other rank."""

    def send(self, fleet: Fleet) -> None:
        """Stream the weights into this rank's engine and prove them. Collective.

        Raises `or1_rollout.WeightPushError`, naming the tensors, when the engine holds something else.
        """
        engine = fleet.engine
        dtype: torch.dtype | None = getattr(engine, "dtype", None)
        is_here = isinstance(engine, HoldsWeights)
        stream = Cast(self.weights, dtype) if is_here else Witness(self.weights, dtype)
        # side by side where the engine lives on this process's cores; a model for that is small enough to be listed
        may_share = is_here and self.is_local and getattr(engine, "takes_lanes", False)
        named = list(stream) if may_share else stream

        differing: list[str] = []

        def engine_half() -> list[float]:
            engine.update_weights(named, version=self.version)
            fleet.exchange.wait()  # one rank may push for all: nobody asks the servers before it is done
            if isinstance(engine, HoldsWeights):
                differing.extend(engine.differing(named))
            return list(engine.logprobs(self.probe.prompt_ids, self.probe.response_ids))

        halves: list[Callable[[], list[float]]] = [engine_half, lambda: list(self.probe_logprobs())]
        held, expected = in_lanes(lambda half: half(), halves) if may_share else [half() for half in halves]
        if isinstance(stream, Witness):
            prove_fingerprints(stream.fingerprints(), engine.fingerprints())
        prove_held(differing, len(stream.metadata()))
        tolerance = max(PROBE_TOLERANCE.get(side, 1e-3) for side in (self.dtype, dtype or self.dtype))
        prove_probe(expected, held, tolerance=tolerance)


def push_of(learner: Learner, probe: Probe, *, version: int, copy: bool = False) -> Push:
    """The push of the policy as it is now. Without `copy` it must be sent before the next optimizer step."""
    known = probe_logprobs(learner, probe) if copy else None
    return Push(
        weights=WeightCopy(learner.weights) if copy else learner.weights,
        probe=probe,
        probe_logprobs=lambda: probe_logprobs(learner, probe) if known is None else known,
        version=version,
        dtype=learner.policy.dtype,
        is_local=learner.runtime.tensor_size == 1,
    )


def probe_logprobs(learner: Learner, probe: Probe) -> list[float]:
    """The trainer's log-probs of the probe response, at temperature 1."""
    batch = pack(
        [Sample(prompt_ids=probe.prompt_ids, response_ids=probe.response_ids, advantage=0.0)],
        device=learner.runtime.device,
    )
    with torch.no_grad():
        stats = learner.stats(batch, temperature=1.0, with_entropy=False)
    logprobs: list[float] = stats.logprobs_M.tolist()
    return logprobs
