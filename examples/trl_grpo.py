"""The verifier as the reward of TRL's GRPOTrainer.

    uv run --group bench examples/trl_grpo.py                    # two steps of a tiny random model, on a CPU
    uv run --group bench examples/trl_grpo.py --model FOLDER     # a model of yours

Run with TRL 1.16 on a CPU by `tests/docs/test_examples.py`, in the environment of the group `bench`.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from datasets import Dataset
from minimal_grpo import character_tokenizer, small_model
from trl import GRPOConfig, GRPOTrainer

from or1_data import arithmetic_problems
from or1_reward.adapters.trl import reward_function


def tiny_model(folder: Path) -> str:
    """A random model of two layers with a tokenizer of characters, as a Hugging Face folder."""
    tokenizer = character_tokenizer()
    tokenizer.padding_side = "left"
    small_model(tokenizer).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def main() -> GRPOTrainer:
    """Train, and return the trainer with its log."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="", help="Hugging Face folder or hub id (default: a tiny random model)")
    parser.add_argument("--steps", type=int, default=2)
    given = parser.parse_args()
    problems = arithmetic_problems("train", 64, seed=0)
    rows = Dataset.from_list([{"prompt": p.statement, "ground_truth": p.ground_truth} for p in problems])
    with tempfile.TemporaryDirectory() as folder:
        model = given.model or tiny_model(Path(folder) / "model")
        settings = GRPOConfig(
            output_dir=folder,
            max_steps=given.steps,
            per_device_train_batch_size=8,
            num_generations=4,
            max_completion_length=16,
            logging_steps=1,
            report_to=[],
            save_strategy="no",
            use_cpu=True,
        )
        # With the end-of-sequence ids given, a response that was cut off scores 0 whatever it contains.
        rewards = reward_function(eos_token_ids=[1] if not given.model else [])
        trainer = GRPOTrainer(model, reward_funcs=rewards, args=settings, train_dataset=rows)
        trainer.train()
    return trainer


if __name__ == "__main__":
    for entry in main().state.log_history:
        print({key: value for key, value in entry.items() if "reward" in key or key == "step"})
