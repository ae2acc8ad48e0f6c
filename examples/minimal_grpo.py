"""GRPO with adaptive entropy on the four leaf packages, in one file: or1-trainer's method without its machinery.

    uv run examples/minimal_grpo.py                 # a warm start and 40 steps on two cores
    uv run examples/minimal_grpo.py --warm 2 --steps 1

or1-data makes the problems, or1-rollout samples groups of responses, or1-reward judges them, and or1-eval measures
before and after. The update is that of Skywork-OR1 (arXiv 2505.22312): group advantages (eq. 2.5), the clipped ratio
with an entropy bonus as one mean over all tokens (eq. 3.1), and a coefficient that follows the entropy (eq. 3.2).

The policy is a Qwen2 of 0.1M parameters over characters. Its supervised warm start shows two ways to answer: a guess,
right one time in ten, and step by step, mostly right. Reinforcement learning has to find out that reasoning pays.
Axes: B sequences of a batch, T tokens, P problems, G responses of each.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from or1_data import Problem, arithmetic_problems
from or1_data.arithmetic import Family, demonstrations
from or1_eval import Problem as Question
from or1_eval import Report, Sampling, Task, evaluate
from or1_reward import verify_many
from or1_rollout import Probe, SamplingParams, TensorStream
from or1_rollout.engines.transformers import TransformersEngine

FAMILY = Family(min_terms=2, max_terms=3, max_digits=1)
GROUP, CONTEXT_TOKENS = 8, 32
CLIP, ENTROPY_TARGET, ENTROPY_DELTA = 0.2, 0.1, 0.001


@dataclass(frozen=True)
class Sample:
    """A response to train on."""

    prompt_ids: list[int]
    response_ids: list[int]
    advantage: float


def character_tokenizer() -> PreTrainedTokenizerFast:
    r"""One token per character of a sum, its solution and `\boxed{}`; 0 pads, 1 ends."""
    words = {token: index for index, token in enumerate(["<pad>", "<eos>", *r"0123456789+-=?;\boxed{}"])}
    core = Tokenizer(models.WordLevel(words, unk_token="<pad>"))
    core.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    core.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=core, pad_token="<pad>", eos_token="<eos>")


def small_model(tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    """A random Qwen2 of two layers."""
    shape = {"hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        **shape,
    )
    return Qwen2ForCausalLM(config)


def token_stats(model: Qwen2ForCausalLM, samples: list[Sample]) -> tuple[Tensor, Tensor, Tensor]:
    """Log-prob and entropy of every response token, and where these are: [B, T - 1] each."""
    rows = [torch.tensor(sample.prompt_ids + sample.response_ids) for sample in samples]
    ids_BT = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)
    places_T = torch.arange(ids_BT.shape[1] - 1)
    starts_B1 = torch.tensor([[len(sample.prompt_ids) - 1] for sample in samples])
    ends_B1 = torch.tensor([[len(row) - 1] for row in rows])
    logprobs_BTV = model(input_ids=ids_BT).logits[:, :-1].log_softmax(-1)
    logprobs_BT = logprobs_BTV.gather(-1, ids_BT[:, 1:, None]).squeeze(-1)
    entropy_BT = -(logprobs_BTV.exp() * logprobs_BTV).sum(-1)
    return logprobs_BT, entropy_BT, (places_T >= starts_B1) & (places_T < ends_B1)


def warm_start(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, steps: int, seed: int) -> None:
    """Supervised training on demonstrations, half of which guess."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    shown = demonstrations(steps * 64, seed, family=FAMILY, verbose_share=0.0, guess_share=0.5)
    for batch in batched(shown, 64):
        samples = [
            Sample(tokenizer.encode(shown.prompt), [*tokenizer.encode(shown.response), tokenizer.eos_token_id], 1.0)
            for shown in batch
        ]
        logprobs_BT, _, mask_BT = token_stats(model, samples)
        step_optimizer(model, optimizer, -logprobs_BT[mask_BT].mean())


def sample_groups(engine: TransformersEngine, problems: list[Problem], step: int) -> tuple[list[Sample], float]:
    """A group of responses to each problem with their advantages, groups without signal left out; the mean reward."""
    params = SamplingParams(n=GROUP, max_new_tokens=CONTEXT_TOKENS, seed=step)
    groups = engine.generate([problem.statement for problem in problems], params)
    pairs = [(problem, response) for problem, group in zip(problems, groups, strict=True) for response in group]
    verdicts = verify_many([(r.text, p.ground_truth, r.finish_reason.value) for p, r in pairs], workers=1)
    rewards_PG = torch.tensor([verdict.reward for verdict in verdicts]).view(len(problems), GROUP)
    advantages = group_advantages(rewards_PG).flatten().tolist()
    samples = [
        Sample(engine.encode(problem.statement), list(response.token_ids), advantage)
        for (problem, response), advantage in zip(pairs, advantages, strict=True)
        if advantage
    ]
    return samples, float(rewards_PG.mean())


def group_advantages(rewards_PG: Tensor) -> Tensor:
    """How much better each response is than its group, in standard deviations of the group (eq. 2.5)."""
    centered_PG = rewards_PG - rewards_PG.mean(1, keepdim=True)
    return centered_PG / (rewards_PG.std(1, keepdim=True) + 1e-6)


def update(
    model: Qwen2ForCausalLM, optimizer: torch.optim.Optimizer, samples: list[Sample], coefficient: float
) -> tuple[float, float]:
    """One on-policy optimizer step of eq. 3.1; the policy's entropy, and the coefficient of the next step (eq. 3.2)."""
    advantages_B1 = torch.tensor([[sample.advantage] for sample in samples])
    logprobs_BT, entropy_BT, mask_BT = token_stats(model, samples)
    ratio_BT = torch.exp(logprobs_BT - logprobs_BT.detach())  # 1 in value: there is one step per batch
    clipped_BT = ratio_BT.clamp(1 - CLIP, 1 + CLIP)
    objective_BT = torch.minimum(ratio_BT * advantages_B1, clipped_BT * advantages_B1)
    entropy = entropy_BT[mask_BT].mean()
    alpha = coefficient if entropy.item() <= ENTROPY_TARGET else 0.0
    step_optimizer(model, optimizer, -objective_BT[mask_BT].mean() - alpha * entropy)
    change = ENTROPY_DELTA if entropy.item() < ENTROPY_TARGET else -ENTROPY_DELTA
    return entropy.item(), max(coefficient + change, 0.0)


def step_optimizer(model: Qwen2ForCausalLM, optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Gradient, clipping to norm 1, and the step."""
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()


def sync(engine: TransformersEngine, model: Qwen2ForCausalLM, version: int) -> None:
    """Send the weights to the engine, which checks them against the log-probs of a probe."""
    prompt_ids, response_ids = engine.encode("1+2=?"), engine.encode(r"\boxed{3}")
    with torch.no_grad():
        logprobs_BT, _, mask_BT = token_stats(model, [Sample(prompt_ids, response_ids, 0.0)])
    logprobs = logprobs_BT[mask_BT].tolist()
    probe = Probe(prompt_ids=prompt_ids, response_ids=response_ids, logprobs=logprobs, tolerance=1e-3)
    engine.sync_weights(TensorStream(dict(model.state_dict())), version=version, probe=probe)


def held_out(engine: TransformersEngine, count: int) -> Report:
    """avg@4 on sums that are never trained on."""
    problems = arithmetic_problems("heldout", count, seed=0, family=FAMILY)
    questions = tuple(Question(id=p.id, prompt=p.statement, ground_truth=p.ground_truth) for p in problems)
    sampling = Sampling(max_new_tokens=CONTEXT_TOKENS)
    return evaluate(Task(name="sums", problems=questions, sampling=sampling, k=4), engine)


def batched(items: Iterator, size: int) -> Iterator[list]:
    """Lists of `size` items; what is left over at the end is dropped."""
    while len(batch := [item for _, item in zip(range(size), items, strict=False)]) == size:
        yield batch


def train(*, warm: int, steps: int, prompts: int, seed: int, questions: int) -> tuple[Report, Report]:
    """The reports before and after training."""
    torch.manual_seed(seed)
    tokenizer = character_tokenizer()
    model = small_model(tokenizer)
    warm_start(model, tokenizer, warm, seed)
    engine = TransformersEngine(model, tokenizer)
    before = held_out(engine, questions)
    print(before)
    optimizer, coefficient = torch.optim.AdamW(model.parameters(), lr=3e-4), 0.0
    problems = list(arithmetic_problems("train", 256, seed, family=FAMILY))
    for step in range(steps):
        drawn = [problems[(step * prompts + at) % len(problems)] for at in range(prompts)]
        samples, reward = sample_groups(engine, drawn, step)
        if samples:
            entropy, coefficient = update(model, optimizer, samples, coefficient)
            print(f"step {step + 1}: reward {reward:.3f}, entropy {entropy:.3f}, coefficient {coefficient:.3f}")
        sync(engine, model, step + 1)
    after = held_out(engine, questions)
    print(after)
    return before, after


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--warm", type=int, default=800, help="supervised steps of the warm start (default 800)")
    parser.add_argument("--steps", type=int, default=40, help="steps of reinforcement learning (default 40)")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    train(warm=given.warm, steps=given.steps, prompts=16, seed=given.seed, questions=64)
