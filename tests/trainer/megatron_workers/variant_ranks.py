"""Two ranks: every loss option at data-parallel 2 and at tensor-parallel 2."""

import os

from contract_case import assert_same
from contract_variants import VARIANTS, batch, ours_variant, slow_variant

from or1_trainer.megatron.runtime import start_runtime, stop_runtime

whole = batch()
expected = {name: slow_variant(name, [whole]) for name in VARIANTS}
for tensor in (1, 2):
    os.environ["MASTER_PORT"] = os.environ[f"OR1_TEST_PORT_{tensor}"]  # the first store may still hold its port
    runtime = start_runtime(tensor=tensor, device="cpu", timeout_s=120)
    for name, numbers in expected.items():
        assert_same(ours_variant(runtime, name, [whole], budget_tokens=40), numbers)
    stop_runtime(runtime)
