"""Contract (float64): every loss option and correction is its formula, whatever the micro-batches or the layout."""

import sys
from pathlib import Path

import pytest
import torch

sys.path.append(str(Path(__file__).parent / "megatron_workers"))
sys.path.append(str(Path(__file__).parent))

from contract_case import assert_same
from contract_variants import VARIANTS, batch, halves, ours_variant, slow_variant
from forked import run_workers


@pytest.fixture(scope="session")
def expected(once):
    """(option, what is trained) -> numbers of the slow implementation."""

    def make(folder):
        whole = batch()
        numbers = {(name, "one step"): slow_variant(name, [whole]) for name in VARIANTS}
        numbers |= {(name, "mini-batches"): slow_variant(name, halves(whole), reuse=2) for name in VARIANTS}
        numbers["magic", "one sequence"] = slow_variant("magic", [whole[:1]])
        torch.save(numbers, folder / "expected.pt")

    return once("contract", make) / "expected.pt"


@pytest.mark.parametrize("name", VARIANTS)
def test_every_option_is_its_formula(runtime, expected, name):
    numbers, whole = torch.load(expected, weights_only=False), batch()
    assert_same(ours_variant(runtime, name, [whole]), numbers[name, "one step"])
    assert_same(ours_variant(runtime, name, [whole], budget_tokens=40), numbers[name, "one step"])
    again = ours_variant(runtime, name, halves(whole), reuse=2, budget_tokens=50)
    assert_same(again, numbers[name, "mini-batches"], tolerance=1e-8)


def test_options_differ(expected):
    numbers = torch.load(expected, weights_only=False)
    losses = {round(numbers[name, "mini-batches"]["loss"], 9) for name in VARIANTS}
    assert len(losses) == len(VARIANTS)


def test_masked_tokens_are_counted(runtime):
    metrics = ours_variant(runtime, "sequence_mask", [batch()])["metrics"]
    assert 0 < metrics["mismatch/masked_rate"] < 1
    assert ours_variant(runtime, "kl", [batch()])["metrics"]["kl/k3"] > 0


@pytest.mark.parametrize(("tensor", "data"), [(1, 2), (2, 1), (2, 2)])
def test_every_option_is_its_formula_in_every_layout(expected, tensor, data):
    run_workers("contract_ranks.py", tensor * data, OR1_TEST_TENSOR=str(tensor), OR1_TEST_EXPECTED=str(expected))
