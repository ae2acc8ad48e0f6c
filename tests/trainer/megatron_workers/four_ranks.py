"""Four ranks, tensor-parallel 2 and data-parallel 2."""

import torch.distributed as dist
from layout_steps import run_layout
from megatron_cases import scratch

from or1_trainer.policy.parallel import start_runtime, stop_runtime

runtime = start_runtime(tensor=2, device="cpu", timeout_s=120)
pair = runtime.rank // 2 * 2
assert dist.get_process_group_ranks(runtime.tensor_group) == [pair, pair + 1]
assert dist.get_process_group_ranks(runtime.data_group) == [runtime.tensor_rank, runtime.tensor_rank + 2]
run_layout(runtime, scratch(), other="1-2")
stop_runtime(runtime)
