"""avg@k with its interval during training with `transformers.Trainer`, and so with TRL's trainers.

    uv run examples/transformers_callback.py

A tiny model learns sums from demonstrations; every few steps or1-eval samples from it and judges the answers.
"""

from __future__ import annotations

import tempfile

import torch
from minimal_grpo import FAMILY, character_tokenizer, small_model
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM, Trainer, TrainingArguments

from or1_data import arithmetic_problems
from or1_data.arithmetic import demonstrations
from or1_eval import Problem, Sampling, Task
from or1_eval.callbacks import PeriodicEval, transformers_callback


def rows(tokenizer: PreTrainedTokenizerFast, count: int) -> list[dict[str, list[int]]]:
    """Demonstrations as token ids of one length; padding is not trained on."""
    found = []
    for shown in demonstrations(count, seed=0, family=FAMILY, verbose_share=0.0):
        prompt, response = tokenizer.encode(shown.prompt), tokenizer.encode(shown.response)
        ids = [*prompt, *response, tokenizer.eos_token_id]
        padding = [0] * (48 - len(ids))
        labels = [-100] * len(prompt) + ids[len(prompt) :] + [-100] * len(padding)
        found.append({"input_ids": ids + padding, "attention_mask": [1] * len(ids) + padding, "labels": labels})
    return found


def sampler(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast):
    """The model as a function from a prompt and a seed to a text: it reads the weights that are trained."""

    def sample(prompt: str, seed: int) -> str:
        torch.manual_seed(seed)
        ids = torch.tensor([tokenizer.encode(prompt)])
        out = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=16, do_sample=True)
        return tokenizer.decode(out[0, ids.shape[1] :], skip_special_tokens=True)

    return sample


def main(steps: int = 20, every: int = 10) -> dict[int, float]:
    """Step -> avg@2 on held-out sums."""
    torch.manual_seed(0)
    tokenizer = character_tokenizer()
    model = small_model(tokenizer)
    problems = arithmetic_problems("heldout", 4, seed=0, family=FAMILY)
    questions = tuple(Problem(id=p.id, prompt=p.statement, ground_truth=p.ground_truth) for p in problems)
    task = Task(name="sums", problems=questions, sampling=Sampling(max_new_tokens=16), k=2)
    periodic = PeriodicEval(task, sampler(model, tokenizer), every=every)
    with tempfile.TemporaryDirectory() as folder:
        settings = TrainingArguments(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=32,
            learning_rate=3e-3,
            report_to=[],
            save_strategy="no",
            use_cpu=True,
            disable_tqdm=True,
        )
        callbacks = [transformers_callback(periodic)]
        Trainer(model, settings, train_dataset=rows(tokenizer, 32 * steps), callbacks=callbacks).train()
    for step, report in periodic.reports.items():
        print(f"step {step}: {report}")
    return {step: report.avg for step, report in periodic.reports.items()}


if __name__ == "__main__":
    main()
