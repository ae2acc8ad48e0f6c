"""Contract (float64): loss and gradients are those of PAPER eq. 3.1, whatever the micro-batches, order, or layout."""

import os
import random
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from or1_trainer.config.schema import EntropySettings

WORKERS = Path(__file__).parent / "megatron_workers"
sys.path.append(str(WORKERS))

from contract_case import ALPHA, assert_same, ours, samples, slow  # noqa: E402


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


def test_off_policy_steps_use_the_first_behaviour_and_their_own_token_count(runtime):
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


def test_data_and_tensor_parallel_give_the_same_numbers(tmp_path):
    ports = {f"OR1_TEST_PORT_{tensor}": _free_port() for tensor in (1, 2)}
    common = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", **ports}
    ranks = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    workers = [
        subprocess.Popen(
            [sys.executable, str(WORKERS / "contract_ranks.py")],
            env={**common, **ranks, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=(tmp_path / f"{rank}.log").open("w"),
            stderr=subprocess.STDOUT,
        )
        for rank in range(2)
    ]
    try:
        codes = [worker.wait(timeout=240) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    assert codes == [0, 0], "".join((tmp_path / f"{rank}.log").read_text()[-3000:] for rank in range(2))


def _free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return str(probe.getsockname()[1])
