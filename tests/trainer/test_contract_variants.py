"""Contract (float64): every loss option and correction is its formula, whatever the micro-batches or the layout."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

WORKERS = Path(__file__).parent / "megatron_workers"
sys.path.append(str(WORKERS))

from contract_case import assert_same  # noqa: E402
from contract_variants import VARIANTS, batch, ours_variant, slow_variant  # noqa: E402


@pytest.mark.parametrize("name", VARIANTS)
def test_every_option_is_its_formula(runtime, name):
    whole = batch()
    expected = slow_variant(name, [whole])
    assert_same(ours_variant(runtime, name, [whole]), expected)
    assert_same(ours_variant(runtime, name, [whole], budget_tokens=40), expected)


@pytest.mark.parametrize("name", VARIANTS)
def test_also_over_several_steps_on_one_batch(runtime, name):
    whole = batch()
    steps = [whole[:4], whole[4:]]
    got = ours_variant(runtime, name, steps, reuse=2, budget_tokens=50)
    assert_same(got, slow_variant(name, steps, reuse=2), tolerance=1e-8)


def test_options_differ(runtime):
    losses = {name: ours_variant(runtime, name, [batch()])["metrics"]["loss/total"] for name in VARIANTS}
    assert len({round(loss, 9) for loss in losses.values()}) >= len(VARIANTS) - 2  # on-policy, two only cut gradients


def test_masked_tokens_are_counted(runtime):
    metrics = ours_variant(runtime, "sequence_mask", [batch()])["metrics"]
    assert 0 < metrics["mismatch/masked_rate"] < 1
    assert ours_variant(runtime, "kl", [batch()])["metrics"]["kl/k3"] > 0


def test_two_ranks_give_the_same_numbers(tmp_path):
    ports = {}
    for tensor in (1, 2):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            ports[f"OR1_TEST_PORT_{tensor}"] = str(free.getsockname()[1])
    common = {**os.environ, "OMP_NUM_THREADS": "1", "MASTER_ADDR": "127.0.0.1", **ports}
    workers = [
        subprocess.Popen(
            [sys.executable, str(WORKERS / "variant_ranks.py")],
            env={**common, "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=(tmp_path / f"{rank}.log").open("w"),
            stderr=subprocess.STDOUT,
        )
        for rank in range(2)
    ]
    codes = [worker.wait(timeout=240) for worker in workers]
    assert codes == [0, 0], (tmp_path / "0.log").read_text()[-3000:] + (tmp_path / "1.log").read_text()[-3000:]
