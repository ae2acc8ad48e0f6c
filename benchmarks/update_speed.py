"""One optimizer step on the CPU on a real model's shape: seconds, share of the machine's product rate, peak memory.

    uv run python benchmarks/update_speed.py                      # a random model of SmolLM2-135M's shape
    uv run python benchmarks/update_speed.py --model FOLDER --dtypes bfloat16 --group 8 --responses 48 256

The work counted is the least there is: each prompt once per group, forward, backward, and the output projection of
response tokens; computing logits a second time in the backward pass is our own loss. Rate and step alternate, and both
are counted in processor seconds, so that a busy machine disturbs neither much.
"""

from __future__ import annotations

import argparse
import random
import resource
import statistics
import time

import torch
from transformers import AutoConfig, LlamaConfig

from or1_trainer.algorithm.packing import Sample, microbatches, pack
from or1_trainer.config.schema import OptimizerSettings
from or1_trainer.policy.hf_weights.weights import init_weights, load_hf_weights
from or1_trainer.policy.model import Policy, build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.optimizer.interface import Optimizer
from or1_trainer.policy.parallel import start_runtime, stop_runtime
from or1_trainer.policy.token_stats import token_stats

SMOLLM2 = LlamaConfig(
    vocab_size=49152, hidden_size=576, intermediate_size=1536, num_hidden_layers=30, num_attention_heads=9,
    num_key_value_heads=3, max_position_embeddings=8192, rms_norm_eps=1e-5, tie_word_embeddings=True,
)  # fmt: skip


def main() -> None:
    """A line per dtype."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="a Hugging Face folder; random weights without")
    parser.add_argument("--dtypes", nargs="+", default=["float32", "bfloat16"])
    parser.add_argument("--prompts", type=int, default=12)
    parser.add_argument("--group", type=int, default=8)
    parser.add_argument("--prompt-tokens", type=int, default=60)
    parser.add_argument("--responses", type=int, nargs=2, default=[48, 256], help="shortest and longest, in tokens")
    parser.add_argument("--microbatch-tokens", type=int, default=4096)
    parser.add_argument("--chunk-tokens", type=int, default=1024)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--profile", action="store_true", help="where one step's time goes, by operation")
    options = parser.parse_args()
    runtime = start_runtime(tensor=1, device="cpu")
    config = AutoConfig.from_pretrained(options.model) if options.model else SMOLLM2
    samples = draw(options)
    for name in options.dtypes:
        policy = build_policy(config, runtime, dtype=getattr(torch, name))
        if options.model:
            load_hf_weights(policy, options.model)
        else:
            init_weights(policy, seed=0)
        measure(policy, build_optimizer(policy, OptimizerSettings()), samples, options)
        del policy
    stop_runtime(runtime)


def draw(options: argparse.Namespace) -> list[Sample]:
    """Random tokens in the lengths asked for."""
    rng = random.Random(0)
    prompts = [[rng.randrange(49152) for _ in range(options.prompt_tokens)] for _ in range(options.prompts)]
    return [
        Sample(
            prompt_ids=prompt,
            response_ids=[rng.randrange(49152) for _ in range(rng.randint(*options.responses))],
            advantage=rng.choice([-1.0, 1.0]),
        )
        for prompt in prompts
        for _ in range(options.group)
    ]


def measure(policy: Policy, optimizer: Optimizer, samples: list[Sample], options: argparse.Namespace) -> None:
    """Print seconds of the parts of a step, and what share of the product rate it reaches."""
    work, parts, rates = step_flops(policy, samples), list[list[float]](), list[float]()
    for _ in range(options.rounds + 1):
        rates.append(product_rate(policy.dtype))
        parts.append(step(policy, optimizer, samples, options))
    seconds = [statistics.median(part) for part in zip(*parts[1:], strict=True)]
    rate = statistics.median(rates)
    print(
        f"{str(policy.dtype).removeprefix('torch.'):9} processor seconds: forward {seconds[0]:.2f}, backward "
        f"{seconds[1]:.2f}, optimizer {seconds[2]:.2f}; {work / sum(seconds) / 1e9:.0f} of {rate / 1e9:.0f} GFLOP/s per "
        f"core = {100 * work / sum(seconds) / rate:.0f}%; peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB"
    )
    if options.profile:
        with torch.profiler.profile() as profile:
            step(policy, optimizer, samples, options)
        print(profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=22, max_name_column_width=48))


def step(policy: Policy, optimizer: Optimizer, samples: list[Sample], options: argparse.Namespace) -> list[float]:
    """Processor seconds of forward, backward and optimizer."""
    forward = backward = 0.0
    optimizer.zero_grad()
    for members in microbatches(samples, options.microbatch_tokens):
        began = time.process_time()
        batch = pack([samples[index] for index in members])
        stats = token_stats(policy, batch, chunk_tokens=options.chunk_tokens)
        between = time.process_time()
        (-(stats.logprobs_M * batch.advantages_M).mean() - 0.01 * stats.entropy_M.mean()).backward()
        forward, backward = forward + between - began, backward + time.process_time() - between
    began = time.process_time()
    optimizer.step(1e-6)
    return [forward, backward, time.process_time() - began]


def step_flops(policy: Policy, samples: list[Sample]) -> float:
    """Products of one forward and backward pass (three times the forward's), attention included."""
    config = policy.hf_config
    head_dim = config.hidden_size // config.num_attention_heads
    projections = 2 * config.hidden_size * (config.num_attention_heads + config.num_key_value_heads) * head_dim
    layer = 2 * (projections + 3 * config.hidden_size * config.intermediate_size)
    prompts = {tuple(sample.prompt_ids) for sample in samples}
    tokens = sum(map(len, prompts)) + sum(len(sample.response_ids) - 1 for sample in samples)
    pairs = sum(len(prompt) ** 2 / 2 for prompt in prompts)
    pairs += sum(len(s.response_ids) * (len(s.prompt_ids) + len(s.response_ids) / 2) for s in samples)
    attention = 4 * config.num_attention_heads * head_dim * pairs
    head = 2 * config.hidden_size * config.vocab_size * sum(len(sample.response_ids) for sample in samples)
    return float(3 * (config.num_hidden_layers * (layer * tokens + attention) + head))


def product_rate(dtype: torch.dtype, size: int = 2048) -> float:
    """FLOP per processor second of a large product, best of five."""
    left, right = (torch.randn(size, size).to(dtype) for _ in range(2))
    best = float("inf")
    for _ in range(5):
        began = time.process_time()
        torch.mm(left, right)
        best = min(best, time.process_time() - began)
    return 2 * size**3 / best


if __name__ == "__main__":
    main()
