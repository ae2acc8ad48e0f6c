"""Two ranks: the same batch at data-parallel 2 and at tensor-parallel 2, on policy and off."""

import os

from contract_case import assert_same, ours, samples, slow

from or1_trainer.megatron.runtime import start_runtime, stop_runtime

batch = samples()
halves = [batch[:5], batch[5:]]
expected, expected_twice = slow([batch]), slow(halves, reuse=2)
for tensor in (1, 2):
    os.environ["MASTER_PORT"] = os.environ[f"OR1_TEST_PORT_{tensor}"]  # the first store may still hold its port
    runtime = start_runtime(tensor=tensor, device="cpu", timeout_s=120)
    assert_same(ours(runtime, [batch]), expected)
    assert_same(ours(runtime, [batch], budget_tokens=40), expected)
    assert_same(ours(runtime, halves, reuse=2, budget_tokens=40), expected_twice)
    assert_same(ours(runtime, [batch[:1]]), slow([batch[:1]]))  # one data rank has nothing to do
    stop_runtime(runtime)
