"""Corrections by hand on small cases, and which one a recipe gets."""

import math

import pytest
import torch

from or1_trainer.algorithm.advantages import overlong_penalty
from or1_trainer.algorithm.mismatch import correction_weights, mismatch_metrics, mismatch_sums, resolve_mismatch
from or1_trainer.config.schema import MismatchSettings

GAPS = torch.tensor([math.log(3.0), 0.0, math.log(0.4), math.log(6.0), 0.004, 0.006], dtype=torch.float64)
SEQUENCE, LENGTHS = torch.tensor([0, 0, 0, 1, 2, 2]), torch.tensor([3, 1, 2])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("token_tis", [2.0, 1.0, 0.4, 2.0, math.exp(0.004), math.exp(0.006)]),
        ("sequence_mask", [1, 1, 1, 0, 1, 1]),  # products 1.2, 6, 1.01
        ("geometric_mask", [0, 0, 0, 0, 1, 1]),  # means 1.063, 6, 1.005
        ("icepop", [3.0, 1.0, 0.0, 0.0, math.exp(0.004), math.exp(0.006)]),
    ],
)
def test_weights(kind, expected):
    weights = correction_weights(GAPS, SEQUENCE, LENGTHS, MismatchSettings(correction=kind))
    assert weights.tolist() == pytest.approx(expected)


def test_metrics_by_hand():
    trainer, engine = torch.tensor([-1.0, -2.0]).double(), torch.tensor([-1.5, -1.0]).double()
    metrics = mismatch_metrics(mismatch_sums(trainer, engine, torch.tensor([1.0, 0.0])))
    assert metrics["mismatch/mean_abs"] == pytest.approx(0.75) and metrics["mismatch/max_abs"] == pytest.approx(1.0)
    k3 = [math.exp(0.5) - 1.5, math.exp(-1.0) - 1 + 1.0]
    assert metrics["mismatch/k3"] == pytest.approx(sum(k3) / 2)
    weights = [math.exp(0.5), math.exp(-1.0)]
    assert metrics["mismatch/ess"] == pytest.approx(sum(weights) ** 2 / (2 * sum(w * w for w in weights)))
    assert metrics["mismatch/masked_rate"] == 0.5


@pytest.mark.parametrize(
    ("asked", "engine", "ahead", "expected"),
    [
        ({}, "transformers", 0, ("trainer", "none")),
        ({}, "vllm", 0, ("trainer", "geometric_mask")),
        ({}, "vllm-server", 0, ("trainer", "geometric_mask")),
        ({}, "transformers", 1, ("engine", "none")),
        ({}, "vllm-server", 2, ("engine", "none")),
        ({"proximal": "engine"}, "vllm", 0, ("engine", "none")),
        ({"proximal": "trainer"}, "vllm-server", 2, ("trainer", "geometric_mask")),
        ({"correction": "token_tis"}, "transformers", 4, ("trainer", "token_tis")),
        ({"correction": "none"}, "transformers", 4, ("trainer", "none")),
    ],
)
def test_what_auto_stands_for(asked, engine, ahead, expected):
    got = resolve_mismatch(MismatchSettings(**asked), engine=engine, ahead=ahead)
    assert (got.proximal, got.correction) == expected


def test_overlong_punishment_falls_in_a_line():
    lengths, limits = torch.tensor([[10, 80, 90, 99, 100], [10, 30, 40, 49, 50]]), torch.tensor([[100], [50]])
    assert (
        overlong_penalty(lengths, limit_P1=limits, buffer_tokens=20).tolist()
        == [pytest.approx([0, 0, -0.5, -0.95, -1.0])] * 2
    )
    assert not overlong_penalty(lengths, limit_P1=limits, buffer_tokens=0).any()
