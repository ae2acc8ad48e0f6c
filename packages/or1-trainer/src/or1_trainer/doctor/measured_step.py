"""One update of a 0.5B-shaped model on a real GPU, beside its rehearsal."""

from __future__ import annotations

import subprocess
import sys
import time
from typing import Final

import torch

from or1_trainer.algorithm.entropy import EntropyController
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.plan.gpus import GPUS, Gpu
from or1_trainer.policy.hf_weights.weights import init_weights
from or1_trainer.policy.parallel import Runtime
from or1_trainer.rehearse import case
from or1_trainer.train.build_learner import build_learner
from or1_trainer.train.update import update

MODEL: Final = "Qwen/Qwen2.5-0.5B"
SETTINGS: Final = (
    ("model.path", MODEL),
    ("parallel.tensor", 1),
    ("parallel.sequence", False),
    ("batch.microbatch_tokens", 9216),
    ("stages.0.context_tokens", 8192),
)
PROMPT_TOKENS: Final = 512


def measured_step(here: Runtime) -> tuple[str, str, bool]:
    """Peak memory and seconds of an update, and what the rehearsal (in a process of its own) says of both."""
    config = resolve(read_recipe("or1-7b"), SETTINGS)
    hf_config = case.hf_config_of(config)
    weights = {name: torch.zeros(shape, dtype=torch.bfloat16) for name, shape in case.weight_shapes(hf_config).items()}
    learner = build_learner(config, hf_config, weights, here)
    init_weights(learner.policy, seed=0)
    batches = case.minibatches_of(config, config.stages[0], PROMPT_TOKENS, here.data_size)
    controller = EntropyController(settings=config.entropy, coefficient=config.entropy.delta)
    update(learner, batches, controller)  # compiles, and allocates the moments
    torch.cuda.reset_peak_memory_stats()
    torch.cuda.synchronize()
    start = time.perf_counter()
    update(learner, batches, controller)
    torch.cuda.synchronize()
    seconds, peak_gb = time.perf_counter() - start, torch.cuda.max_memory_allocated() / 1e9
    expected_gb, expected_s = rehearsed(gpu_here())
    value = f"{peak_gb:.2f} GB, {seconds:.2f} s"
    return value, f"{expected_gb:.2f} GB within 10%, {expected_s:.2f} s", abs(peak_gb / expected_gb - 1) < 0.1


def rehearsed(gpu: Gpu) -> tuple[float, float]:
    """Peak in GB and seconds of the same update, traced in a process without the GPU's runtime."""
    command = [sys.executable, "-m", "or1_trainer.doctor.rehearsed_step", gpu.name]
    last = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1]
    peak_gb, seconds = last.split()
    return float(peak_gb), float(seconds)


def gpu_here() -> Gpu:
    """The figures of this machine's GPU; those of an H200 for one that is not in the table."""
    name = torch.cuda.get_device_name().lower() if torch.cuda.is_available() else ""
    return next((gpu for key, gpu in GPUS.items() if key in name), GPUS["h200"])
