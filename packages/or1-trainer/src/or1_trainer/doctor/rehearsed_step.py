"""The rehearsal of `measured_step`: `python -m or1_trainer.doctor.rehearsed_step GPU` prints GB and seconds."""

from __future__ import annotations

import sys

from msgspec.structs import replace

from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.doctor.measured_step import PROMPT_TOKENS, SETTINGS
from or1_trainer.plan.gpus import gpu_named
from or1_trainer.rehearse.stages import rehearse


def main(gpu: str) -> None:
    """Print the peak in GB, and the seconds of an update of two micro-batches."""
    config = resolve(read_recipe("or1-7b"), SETTINGS)
    (found,) = rehearse(replace(config, stages=config.stages[:1]), gpu_named(gpu), gpus=1, prompt_tokens=PROMPT_TOKENS)
    phases = ("log-probs", "forward", "loss", "backward", "step")
    seconds = sum(found.traced.work[phase].kernel_s for phase in phases)
    peak = max(peak.total for (phase, _), peak in found.traced.peaks.items() if phase in phases)
    print(f"{peak / 1e9} {seconds}")


if __name__ == "__main__":
    main(sys.argv[1])
