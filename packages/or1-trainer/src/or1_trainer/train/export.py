"""The policy as a Hugging Face folder: at the end of a run, or from a checkpoint of any layout and device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from msgspec.structs import replace
from transformers import AutoConfig

from or1_trainer.config.schema import ParallelSettings
from or1_trainer.errors import ConfigError
from or1_trainer.policy.hf_weights.export import save_hf
from or1_trainer.policy.model import Policy, build_policy
from or1_trainer.policy.parallel import start_runtime, stop_runtime
from or1_trainer.report.model_card import write_model_card
from or1_trainer.train.checkpoint import load_checkpoint
from or1_trainer.train.initial_policy import check_start, starting_policy
from or1_trainer.train.prompts import load_tokenizer
from or1_trainer.train.run_folder import read_config


def export(policy: Policy, model_path: Path, tokenizer: Any, out: Path) -> None:
    """Write the policy as `transformers` loads it, with the end tokens of the model it began as. Collective."""
    save_hf(policy, out, tokenizer=tokenizer, generation_config=model_path / "generation_config.json")


def export_folder(folder: Path, out: Path, *, wants_best: bool = False) -> None:
    """`or1-trainer export`: a run's newest (or best) checkpoint.

    One process on the CPU reads the weights alone, whatever layout and device the run had.
    """
    config = read_config(folder)
    config = replace(config, device="cpu", parallel=ParallelSettings(timeout_s=config.parallel.timeout_s))
    check_start(config)
    model_path = starting_policy(config)
    runtime = start_runtime(tensor=1, device="cpu", timeout_s=config.parallel.timeout_s)
    try:
        policy = build_policy(AutoConfig.from_pretrained(model_path), runtime, dtype=getattr(torch, config.model.dtype))
        state = load_checkpoint(folder, policy, None, print, wants_best=wants_best)
        if state is None:
            evaluated = " that was evaluated" if wants_best else ""
            raise ConfigError(f"{folder} has no checkpoint{evaluated} yet; see checkpoint.every and eval.every")
        export(policy, model_path, load_tokenizer(model_path), out)
        write_model_card(folder, out, state.step)
    finally:
        stop_runtime(runtime)
