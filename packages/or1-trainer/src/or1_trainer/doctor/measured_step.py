"""One update of a 0.5B-shaped model on a real GPU, beside its rehearsal.

`python -m or1_trainer.doctor.measured_step GPU` rehearses it, in a process without the GPU's runtime.
"""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Final

import torch
from msgspec.structs import replace

from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.plan.gpus import GPUS, Gpu, gpu_named
from or1_trainer.policy.hf_weights.weights import init_weights
from or1_trainer.policy.parallel import Runtime
from or1_trainer.rehearse import case
from or1_trainer.rehearse.stages import rehearse
from or1_trainer.train.learner import build_learner
from or1_trainer.train.update import update

SETTINGS: Final = (
    ("model.path", "Qwen/Qwen2.5-0.5B"),
    ("parallel.tensor", 1),
    ("parallel.sequence", False),
    ("batch.microbatch_tokens", 9216),
    ("stages.0.context_tokens", 8192),
)
PROMPT_TOKENS: Final = 512


def measured_step(here: Runtime) -> tuple[str, str, bool]:
    """Peak memory and seconds of an update, and what the rehearsal says of both."""
    config = resolve(read_recipe("or1-7b"), SETTINGS)
    hf_config = case.hf_config_of(config)
    weights = {name: torch.zeros(shape, dtype=torch.bfloat16) for name, shape in case.weight_shapes(hf_config).items()}
    learner = build_learner(config, hf_config, weights, here)
    init_weights(learner.policy, seed=0)
    batches = case.minibatches_of(config, config.stages[0], PROMPT_TOKENS, here.data_size)
    controller = case.open_controller(config)
    update(learner, batches, controller)  # compiles, and allocates the moments
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.synchronize()
    start = time.perf_counter()
    update(learner, batches, controller)
    torch.cuda.synchronize()
    seconds, peak_gb = time.perf_counter() - start, torch.cuda.max_memory_allocated() / 1e9
    device = torch.cuda.get_device_name().lower()
    gpu = next((name for name in GPUS if name in device), "h200")  # for one that is not in the table: an H200
    command = [sys.executable, "-m", "or1_trainer.doctor.measured_step", gpu]
    last = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    expected_gb, expected_s = map(float, last.split())
    value = f"{peak_gb:.2f} GB, {seconds:.2f} s"
    return value, f"{expected_gb:.2f} GB within 10%, {expected_s:.2f} s", abs(peak_gb / expected_gb - 1) < 0.1


def rehearsed_step(gpu: Gpu) -> tuple[float, float]:
    """Peak in GB, and seconds of an update of two micro-batches."""
    config = resolve(read_recipe("or1-7b"), SETTINGS)
    (found,) = rehearse(replace(config, stages=config.stages[:1]), gpu, gpus=1, prompt_tokens=PROMPT_TOKENS)
    phases = ("log-probs", "forward", "loss", "backward", "step")
    seconds = sum(found.traced.work[phase].kernel_s for phase in phases)
    peak = max(peak.total for (phase, _), peak in found.traced.peaks.items() if phase in phases)
    return peak / 1e9, seconds


if __name__ == "__main__":
    print(*rehearsed_step(gpu_named(sys.argv[1])))
