"""Four ranks, tensor-parallel 2 and data-parallel 2."""

from layout_steps import run_layout
from megatron_cases import scratch

from or1_trainer.megatron.runtime import start_runtime, stop_runtime

runtime = start_runtime(tensor=2, device="cpu", timeout_s=120)
run_layout(runtime, scratch(), other="1-2")
stop_runtime(runtime)
