"""Every loss option in this layout (`OR1_TEST_TENSOR` ranks share the weights): packed, and in mini-batches used twice.

The expected numbers are those of the slow implementation, which the test has computed.
"""

import os
from pathlib import Path

import torch
from contract_case import assert_same
from contract_variants import VARIANTS, batch, halves, ours_variant

from or1_trainer.policy.parallel import start_runtime, stop_runtime

expected = torch.load(Path(os.environ["OR1_TEST_EXPECTED"]), weights_only=False)
runtime = start_runtime(tensor=int(os.environ["OR1_TEST_TENSOR"]), device="cpu", timeout_s=120)
whole = batch()
for name in VARIANTS:
    assert_same(ours_variant(runtime, name, [whole], budget_tokens=40), expected[name, "one step"])
    again = ours_variant(runtime, name, halves(whole), reuse=2, budget_tokens=50)
    assert_same(again, expected[name, "mini-batches"], tolerance=1e-8)
assert_same(ours_variant(runtime, "magic", [whole]), expected["magic", "one step"])  # nothing packed apart
assert_same(ours_variant(runtime, "magic", [whole[:1]]), expected["magic", "one sequence"])  # some ranks have nothing
stop_runtime(runtime)
