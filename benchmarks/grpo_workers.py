"""The two sides of `trl_side_by_side.py`, each in a process of its own: the model, the reward, TRL's step and ours."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from roofline import Shape

CHARACTERS = "0123456789+-*=?. abcdefghijklmnopqrstuvwxyz()[]{}"
VOCABULARY = ["<pad>", "<unk>", *CHARACTERS]
EOS_ID = len(VOCABULARY)
PROMPTS = [f"what {i % 90 + 10}+{i % 7}=" for i in range(256)]


def shape_of(hidden: int, layers: int, response_length: int) -> Shape:
    """8 prompts x 8 responses for a model of this size."""
    return Shape(
        hidden=hidden,
        layers=layers,
        heads=4,
        kv_heads=2,
        intermediate=4 * hidden,
        vocab=len(VOCABULARY),
        prompts=8,
        group=8,
        prompt_length=len(PROMPTS[0]),
        response_length=response_length,
    )


def reward(text: str) -> float:
    """1.0 for an even number of digits."""
    return float(sum(character.isdigit() for character in text) % 2 == 0)


def make_model_folder(shape: Shape, folder: Path) -> None:
    """The random policy and its tokenizer, as `transformers` saves them."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

    vocabulary = {token: i for i, token in enumerate([*VOCABULARY, "<eos>"])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>", padding_side="left"
    ).save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=shape.vocab,
        hidden_size=shape.hidden,
        intermediate_size=shape.intermediate,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        num_key_value_heads=shape.kv_heads,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        pad_token_id=0,
        eos_token_id=EOS_ID,
        bos_token_id=None,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)


class Turns:
    """The worker's end of the pipe: waits for a number of steps, times each, answers with one JSON line."""

    def __init__(self) -> None:
        self._answers = os.fdopen(os.dup(1), "w")
        os.dup2(2, 1)  # whatever the trainers print goes to standard error
        self._left = 0
        self._steps: list[dict[str, float]] = []
        self.tokens = 0
        """Response tokens of the step, where a side counts them."""
        self.extra: dict[str, float] = {}
        """What else a side measured of the step."""
        self._began = (0.0, 0.0)

    def step_ended(self) -> None:
        """Note the step; after the last one of a turn, answer and wait for the next turn."""
        now = (time.perf_counter(), time.process_time())
        if self._left:
            timed = {"wall_s": now[0] - self._began[0], "cpu_s": now[1] - self._began[1], "tokens": self.tokens}
            self._steps.append({**timed, **self.extra})
            self._left -= 1
        if not self._left:
            print(json.dumps(self._steps), file=self._answers, flush=True)
            self._steps = []
            self._left = int(sys.stdin.readline() or sys.exit(0))
        self.tokens = 0
        self._began = (time.perf_counter(), time.process_time())


def run_trl(shape: Shape, model: Path, turns: Turns) -> None:
    """TRL's trainer, as its documentation has it; evaluation, saving, progress bars and console logs are off."""
    from datasets import Dataset
    from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    def rewards(completions: list[str], completion_ids: list[list[int]], **_: Any) -> list[float]:
        if {len(ids) for ids in completion_ids} != {shape.response_length}:
            raise RuntimeError("TRL: a response has not its full length, the two sides would not do the same work")
        return [reward(text) for text in completions]

    class Watch(TrainerCallback):
        def on_step_end(self, *_: Any, **__: Any) -> None:
            turns.step_ended()

    config = GRPOConfig(
        output_dir=str(model / "trl"),
        use_cpu=True,
        bf16=False,
        per_device_train_batch_size=shape.rollouts,
        num_generations=shape.group,
        max_completion_length=shape.response_length,
        max_steps=10**6,
        learning_rate=1e-3,
        lr_scheduler_type="constant",
        beta=0.0,
        gradient_checkpointing=False,
        report_to="none",
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = GRPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32),
        args=config,
        processing_class=AutoTokenizer.from_pretrained(model),
        train_dataset=Dataset.from_list([{"prompt": prompt} for prompt in PROMPTS]),
        reward_funcs=rewards,
        callbacks=[Watch()],
    )
    trainer.remove_callback(PrinterCallback)
    trainer.train()


def run_or1(shape: Shape, model: Path, turns: Turns) -> None:
    """Our loop's own step, with the settings of `run_trl`; only the verdict is replaced."""
    from dataclasses import replace

    from or1_reward import verify_many
    from or1_reward.types import Status, Verdict
    from or1_trainer.config.load import resolve
    from or1_trainer.live.view import LiveView
    from or1_trainer.train import build, loop
    from or1_trainer.train.async_rollouts import Rollouts
    from or1_trainer.train.stages import position_at
    from or1_trainer.train.state import RunState
    from or1_trainer.train.verify import Verifier

    build.check_tokenizer = lambda *_: None  # it would refuse the end token, which the model cannot sample
    folder = model / "or1"
    folder.mkdir()
    problems = folder / "problems.jsonl"
    problems.write_text("".join(json.dumps(problem_row(i, prompt)) + "\n" for i, prompt in enumerate(PROMPTS)))
    stage = {"steps": 10**6, "context_tokens": shape.response_length, "prompts": shape.prompts, "group": shape.group}
    config = resolve(
        {
            "name": "bench",
            "device": "cpu",
            "model": {"path": str(model)},
            "data": {"train": [str(problems)], "heldout": [str(problems)]},
            "stages": [stage],
            "loss": {"reject_zero_advantage": False},
            "optimizer": {"lr": 1e-3, "weight_decay": 0.0},
            "eval": {"every": 0},
            "checkpoint": {"every": 0},
        }
    )

    def judge(items: Sequence[dict[str, Any]]) -> list[Verdict]:
        """The real verdicts' work, and the parity in their place."""
        return [
            replace(verdict, status=Status.CORRECT if reward(item["response"]) else Status.WRONG)
            for verdict, item in zip(verify_many(items), items, strict=True)
        ]

    with build.running(config) as runtime:
        job = build.build_job(config, folder, model, runtime, LiveView(10**6, enabled=False))
        job = replace(job, verifier=Verifier(config.reward.workers, judge))
        state: RunState = build.begin(job)
        rollouts = Rollouts(job)
        while True:
            position = position_at(config.stages, state.step)
            assert position is not None
            state = loop.magic_step(job, rollouts, position, state)
            turns.step_ended()


def problem_row(number: int, prompt: str) -> dict[str, Any]:
    """A problem in the row format; its answer never occurs, the parity decides."""
    return {
        "data_source": "bench",
        "prompt": [{"role": "user", "content": prompt}],
        "ability": "math",
        "reward_model": {"style": "rule", "ground_truth": json.dumps(str(10**6 + number))},
        "extra_info": {"index": number},
    }
