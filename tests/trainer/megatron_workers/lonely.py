"""Two ranks; rank 1 is killed, and rank 0's collective must fail instead of waiting for ever.

Exit code 7 says it did.
"""

import os
import signal
import sys

import torch
import torch.distributed as dist

from or1_trainer.policy.parallel import start_runtime

runtime = start_runtime(tensor=2, device="cpu", timeout_s=20)
if runtime.rank == 1:
    os.kill(os.getpid(), signal.SIGKILL)
try:
    dist.all_reduce(torch.zeros(1), group=runtime.tensor_group)
except RuntimeError:
    sys.exit(7)
