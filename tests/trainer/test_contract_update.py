"""Contract (float64): loss and gradients of arXiv 2505.22312, eq. 3.1, whatever the micro-batches or the order."""

import random
import sys
from pathlib import Path

import pytest

from or1_trainer.config.schema import EntropySettings

sys.path.append(str(Path(__file__).parent / "megatron_workers"))

from contract_case import ALPHA, assert_same, ours, samples, slow


@pytest.fixture(scope="module")
def on_policy():
    return slow([samples()])


@pytest.mark.parametrize("budget_tokens", [10_000, 60, 1])
def test_micro_batches_do_not_matter(runtime, on_policy, budget_tokens):
    assert_same(ours(runtime, [samples()], budget_tokens=budget_tokens), on_policy)


def test_order_does_not_matter(runtime, on_policy):
    batch = samples()
    random.Random(0).shuffle(batch)
    assert_same(ours(runtime, [batch], budget_tokens=50), on_policy)


def test_off_policy_steps_use_the_first_behavior_and_their_own_token_count(runtime):
    batch = samples()
    steps = [batch[:2], batch[2:]]
    expected = slow(steps, reuse=2)
    got = ours(runtime, steps, reuse=2, budget_tokens=50)
    assert_same(got, expected)
    assert got["metrics"]["optimizer/steps"] == 4
    assert got["metrics"]["policy/clip_high_rate"] + got["metrics"]["policy/clip_low_rate"] > 0


@pytest.mark.parametrize(("target", "alpha"), [(1e-6, 0.0), (100.0, ALPHA)])
def test_the_gate_uses_the_entropy_of_this_very_batch(runtime, target, alpha):
    adaptive = EntropySettings(mode="adaptive", target=target, initial=ALPHA, delta=0.005)
    got = ours(runtime, [samples()], entropy=adaptive)
    assert_same(got, slow([samples()], alpha=alpha))
    change = 0.005 if alpha else -0.005
    assert got["metrics"]["policy/entropy_coef"] == alpha
    assert got["metrics"]["policy/entropy_coef_next"] == pytest.approx(ALPHA + change)


def test_nothing_kept_means_nothing_learnt(runtime):
    got = ours(runtime, [])
    assert got["metrics"]["tokens/trained"] == 0 and got["metrics"]["policy/entropy_coef_next"] == ALPHA
