"""The warm start of the toy recipes: a small random Qwen2, taught by demonstrations to reason visibly.

It is taught only until it is right about as often as wrong: the rest is for reinforcement learning.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from transformers import AutoConfig, PreTrainedTokenizerBase, Qwen2ForCausalLM

from or1_trainer.algorithm.packing import Sample, pack
from or1_trainer.config.schema import OptimizerSettings, WarmStartSettings
from or1_trainer.live.view import LiveView
from or1_trainer.plan.read_shape import warm_start_config
from or1_trainer.policy.hf_weights.export import save_hf
from or1_trainer.policy.hf_weights.weights import load_hf_weights
from or1_trainer.policy.model import Policy, build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.parallel import start_runtime, stop_runtime
from or1_trainer.policy.token_stats import token_stats
from or1_trainer.toy.cache import is_made, warm_start_folder
from or1_trainer.toy.lesson import alphabet_of, solved_problems
from or1_trainer.toy.tokenizer import character_tokenizer

WARMUP_STEPS = 20
SHARD_BYTES = 2**20 - 2**16
"""Files of the shipped warm start stay under 1 MiB, headers included: repositories refuse larger ones."""


def ensure_warm_start(settings: WarmStartSettings, view: LiveView) -> Path:
    """The folder of these settings, made now if it is not there. Safe with several processes at once."""
    folder = warm_start_folder(settings)
    if is_made(folder):  # the shipped one's place may be read-only
        return folder
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_made(folder):
            make_warm_start(settings, folder, view)
    return folder


def make_warm_start(settings: WarmStartSettings, folder: Path, view: LiveView) -> None:
    """Teach a random policy and write it as a Hugging Face folder: float16, or float64 where it is taught in that."""
    with _alone():
        runtime = start_runtime(tensor=1, device="cpu")
    try:
        tokenizer = character_tokenizer(alphabet_of(settings))
        model = _random_model(settings, len(tokenizer))
        policy = build_policy(model.config, runtime, dtype=getattr(torch, settings.dtype))
        load_hf_weights(policy, model.state_dict())
        _teach(policy, tokenizer, settings, view)
        dtype = None if settings.dtype == "float64" else torch.float16
        save_hf(policy, folder, tokenizer=tokenizer, dtype=dtype, shard_bytes=SHARD_BYTES)
    finally:
        stop_runtime(runtime)


def _random_model(settings: WarmStartSettings, vocabulary: int) -> Qwen2ForCausalLM:
    shape = warm_start_config(settings, vocabulary)
    hf_config = AutoConfig.for_model(
        **shape, max_position_embeddings=1024, pad_token_id=0, eos_token_id=1, bos_token_id=None
    )
    with torch.random.fork_rng():
        torch.manual_seed(settings.seed)
        return Qwen2ForCausalLM(hf_config)


def _teach(policy: Policy, tokenizer: PreTrainedTokenizerBase, settings: WarmStartSettings, view: LiveView) -> None:
    """Supervised steps on solved problems, rate warmed up and then falling linearly to a twentieth."""
    optimizer = build_optimizer(policy, OptimizerSettings(beta2=0.95, weight_decay=0.01))
    id_of = tokenizer.get_vocab()  # a token is a character: `encode` would take 5 ms a step, 3% of it
    solved = (
        Sample(
            prompt_ids=[id_of[character] for character in prompt],
            response_ids=[*(id_of[character] for character in response), tokenizer.eos_token_id],
            advantage=0.0,
        )
        for prompt, response in solved_problems(settings)
    )
    with view.phase("warm start", total=settings.steps) as progress:
        for step in range(settings.steps):
            batch = pack([next(solved) for _ in range(settings.sequences)])
            optimizer.zero_grad()
            (-token_stats(policy, batch, with_entropy=False).logprobs_M.mean()).backward()
            optimizer.step(settings.lr * min((step + 1) / WARMUP_STEPS, max(0.05, 1 - step / settings.steps)))
            progress.advance(1)


@contextmanager
def _alone() -> Iterator[None]:
    """Hide torchrun's variables: the first rank to get here makes the warm start by itself, the others wait for it."""
    hidden = {name: os.environ.pop(name) for name in ("RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE") if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(hidden)
