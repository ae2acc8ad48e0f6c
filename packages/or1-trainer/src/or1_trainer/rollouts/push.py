"""Weights from the trainer into the engine, and the proof that they arrived (DESIGN §5).

vLLM once served an old output head without a word (DESIGN §7); so every push is checked before the next rollout:
version, fingerprint of every tensor as the engine uses it, and log-probs of a probe.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from or1_rollout.engine import Engine
from or1_rollout.proof import Fingerprint, fingerprint, prove_push
from or1_trainer.learn.update import Learner
from or1_trainer.megatron.weights import iter_hf_weights
from or1_trainer.method.groups import Group
from or1_trainer.method.packing import Sample, pack


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """A prompt with a response whose log-probs trainer and engine must agree on."""

    prompt_ids: Sequence[int]
    response_ids: Sequence[int]


PROBE_TOLERANCE = 1e-3
"""Largest |difference| of a probe log-prob, in nats: float32 rounding stays below 1e-4; a stale head gave 0.43."""

PROBE_TOKENS = 16
"""A stale tensor shows within a few tokens; more would only cost time."""


def probe_of(groups: Sequence[Group]) -> Probe:
    """The beginning of the first response of the batch."""
    first = groups[0]
    return Probe(prompt_ids=first.prompt_ids, response_ids=first.completions[0].token_ids[:PROBE_TOKENS])


@dataclass(slots=True)
class _Witness:
    """Passes tensors on and remembers their fingerprints."""

    seen: dict[str, Fingerprint] = field(default_factory=dict)

    def watch(self, named: Iterator[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
        for name, tensor in named:
            self.seen[name] = fingerprint(tensor)
            yield name, tensor


def push_weights(
    learner: Learner, engine: Engine, probe: Probe, *, version: int, tolerance: float = PROBE_TOLERANCE
) -> None:
    """Stream the policy's weights into this rank's engine and prove them. Collective (tensors are gathered by name).

    Raises `or1_rollout.proof.WeightPushError`, naming the tensors, when the engine holds something else.
    """
    witness = _Witness()
    engine.update_weights(witness.watch(iter_hf_weights(learner.policy)), version=version)
    prove_push(
        expected_fingerprints=witness.seen,
        engine_fingerprints=engine.fingerprints(),
        expected_probe_logprobs=probe_logprobs(learner, probe),
        engine_probe_logprobs=engine.logprobs(probe.prompt_ids, probe.response_ids),
        tolerance=tolerance,
    )


def probe_logprobs(learner: Learner, probe: Probe) -> list[float]:
    """The trainer's log-probs of the probe response, at temperature 1."""
    batch = pack(
        [Sample(prompt_ids=probe.prompt_ids, response_ids=probe.response_ids, advantage=0.0)],
        device=learner.runtime.device,
    )
    with torch.no_grad():
        stats = learner.stats(batch, temperature=1.0)
    return [float(value) for value in stats.logprobs_M]
