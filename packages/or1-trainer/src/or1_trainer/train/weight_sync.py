"""Weights from the policy into the engine, before every rollout batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from or1_rollout import weight_sync
from or1_rollout.weight_sync import TensorStream, WeightStream
from or1_trainer.algorithm.packing import Sample, pack
from or1_trainer.train.fleet import Fleet
from or1_trainer.train.learner import Learner

BFLOAT16_TOLERANCE = 0.25
"""Largest mean difference of the probe's log-probs, in nats, of a bfloat16 policy.

Two bfloat16 kernels differ by 0.02 to 0.06 on average over many tokens and by up to 0.6 in single ones; in the first
four tokens of one response 0.16 was seen. The comparison of tensors, which is exact, is the stronger check there.
"""

FLOAT_TOLERANCE = 1e-3
"""Of a float32 or float64 policy: rounding stays below 1e-4; a stale output head gave 0.43."""

PROBE_TOKENS = 16
"""A stale tensor shows within a few tokens; more would only cost time."""


def probe_of_prompt(prompt_ids: Sequence[int]) -> Sample:
    """The end of a prompt after its beginning: it fits wherever the prompt fits."""
    before, end = prompt_ids[:-PROBE_TOKENS] or prompt_ids[:1], prompt_ids[-PROBE_TOKENS:]
    return Sample(prompt_ids=before, response_ids=end, advantage=0.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WeightSnapshot:
    """The weights of one moment, and what the engine must compute with them."""

    weights: WeightStream
    probe: weight_sync.Probe
    version: int

    def send(self, fleet: Fleet) -> None:
        """Send the weights into this rank's engine, which checks them. Collective.

        Raises `or1_rollout.WeightMismatch` if the engine holds or computes something else.
        """
        fleet.engine.sync_weights(self.weights, version=self.version, probe=self.probe)
        fleet.exchange.wait()  # rank 0 may send for all: no rank samples before it is done


def snapshot_weights(learner: Learner, probe: Sample, *, version: int, copy: bool = False) -> WeightSnapshot:
    """The weights of the policy as it is now, and of the `probe` the log-probs that the engine must agree on.

    They must be sent before the next optimizer step, unless `copy` holds them in the host's memory. Collective.
    """
    weights = learner.weights
    return WeightSnapshot(
        weights=TensorStream({name: t.to("cpu", copy=True) for name, t in weights}) if copy else weights,
        probe=weight_sync.Probe(
            prompt_ids=list(probe.prompt_ids),
            response_ids=list(probe.response_ids),
            logprobs=probe_logprobs(learner, probe),
            tolerance=BFLOAT16_TOLERANCE if learner.policy.dtype == torch.bfloat16 else FLOAT_TOLERANCE,
        ),
        version=version,
    )


def probe_logprobs(learner: Learner, probe: Sample) -> list[float]:
    """The policy's log-probs of the probe's response, at temperature 1."""
    with torch.no_grad():
        stats = learner.stats(pack([probe], device=learner.runtime.device), temperature=1.0, with_entropy=False)
    logprobs: list[float] = stats.logprobs_M.tolist()
    return logprobs
