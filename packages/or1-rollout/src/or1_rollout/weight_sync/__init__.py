"""Weights from the trainer into an engine, and the check that they arrived."""

from or1_rollout.weight_sync.check import Probe
from or1_rollout.weight_sync.fingerprint import Fingerprint, fingerprint, fingerprints
from or1_rollout.weight_sync.stream import FingerprintingStream, TensorStream, WeightStream

__all__ = [
    "Fingerprint",
    "FingerprintingStream",
    "Probe",
    "TensorStream",
    "WeightStream",
    "fingerprint",
    "fingerprints",
]
