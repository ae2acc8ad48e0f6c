"""One rollout batch, trained on by `update` in any layout, and by a slow form of arXiv 2505.22312, eq. 3.1."""

import random

import torch
from megatron_cases import hf_gradients, hf_model

from or1_trainer.algorithm.entropy import EntropyController
from or1_trainer.algorithm.mismatch import resolve_mismatch
from or1_trainer.algorithm.packing import Sample, Size, balance
from or1_trainer.algorithm.policy_loss import Extent
from or1_trainer.config.schema import BatchSettings, EntropySettings, LossSettings, MismatchSettings, OptimizerSettings
from or1_trainer.policy.hf_weights.weights import PolicyWeights, load_hf_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.train.distribute import Minibatch
from or1_trainer.train.learner import Learner
from or1_trainer.train.update import update

TEMPERATURE, ALPHA, CLIP_LOW, CLIP_HIGH, LR, CONTEXT = 0.9, 0.03, 0.2, 0.28, 3e-2, 30
LOSS = {"clip_low": CLIP_LOW, "clip_high": CLIP_HIGH}


def samples(count=9, seed=3):
    """Random responses of very different lengths, some to the same prompt, with advantages of both signs."""
    rng = random.Random(seed)
    prompts = [[rng.randrange(53) for _ in range(rng.randint(1, 9))] for _ in range(max(1, count // 2))]
    return [
        Sample(
            prompt_ids=rng.choice(prompts),
            response_ids=[rng.randrange(53) for _ in range(rng.choice([1, 2, 7, 30]))],
            advantage=rng.uniform(-2, 2),
        )
        for _ in range(count)
    ]


def ours(
    runtime, steps, *, reuse=1, budget_tokens=10_000, entropy=None, loss=None, mismatch=None, reference=None,
):  # fmt: skip
    """Metrics, gradients of the last optimizer step, and weights after `update`."""
    model = hf_model("qwen2-tied", torch.float64)
    policy = build_policy(model.config, runtime, dtype=torch.float64)
    load_hf_weights(policy, model.state_dict())
    frozen = None
    if reference is not None:
        frozen = build_policy(model.config, runtime, dtype=torch.float64)
        load_hf_weights(frozen, reference.state_dict())
    learner = Learner(
        policy=policy,
        optimizer=build_optimizer(policy, OptimizerSettings(beta2=0.95, max_grad_norm=0.0, weight_decay=0.0)),
        lr=LR,
        runtime=runtime,
        loss=LossSettings(**LOSS, reuse=reuse, **(loss or {})),
        batch=BatchSettings(microbatch_tokens=budget_tokens, chunk_tokens=13),
        temperature=TEMPERATURE,
        mismatch=resolve_mismatch(MismatchSettings(**(mismatch or {})), engine="transformers", ahead=0),
        reference=frozen,
    )
    settings = entropy or EntropySettings(mode="constant", initial=ALPHA)
    _, metrics = update(
        learner,
        [minibatch(step, runtime) for step in steps],
        EntropyController(settings=settings, coefficient=settings.initial),
    )
    weights = {name: tensor.clone() for name, tensor in PolicyWeights(policy)}
    return {"metrics": metrics, "gradients": hf_gradients(policy), "weights": weights}


def minibatch(samples, runtime):
    """The samples of one optimizer step, of which this data rank has its share."""
    sizes = [Size(tuple(s.prompt_ids), len(s.prompt_ids), len(s.response_ids)) for s in samples]
    share = balance(sizes, runtime.data_size)[runtime.data_rank]
    extent = Extent(
        num_tokens=sum(len(sample.response_ids) for sample in samples),
        num_sequences=len(samples),
        context_tokens=CONTEXT,
    )
    return Minibatch(samples=[samples[index] for index in sorted(share)], extent=extent)


def slow(steps, *, reuse=1, alpha=ALPHA):
    """Token by token, sequence by sequence, no packing, torch's own AdamW."""
    model = hf_model("qwen2-tied", torch.float64)
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, betas=(0.9, 0.95), weight_decay=0.0)
    with torch.no_grad():
        behavior = {id(s): [lp for lp, _ in tokens(model, s)] for step in steps for s in step}
        entropies = [h for step in steps for s in step for _, h in tokens(model, s)]
    losses, norms = [], []
    for _ in range(reuse):
        for step in steps:
            num_tokens = sum(len(s.response_ids) for s in step)
            total = 0.0
            for sample in step:
                for (logprob, entropy), old in zip(tokens(model, sample), behavior[id(sample)], strict=True):
                    ratio = torch.exp(logprob - old)
                    clipped = torch.clamp(ratio, 1 - CLIP_LOW, 1 + CLIP_HIGH)
                    total = total + torch.min(ratio * sample.advantage, clipped * sample.advantage) + alpha * entropy
            loss = -total / num_tokens
            optimizer.zero_grad()
            loss.backward()
            gradients = {name: p.grad.clone() for name, p in model.named_parameters()}
            norms.append(torch.sqrt(sum(g.square().sum() for g in gradients.values())).item())
            losses.append(loss.item())
            optimizer.step()
    return {
        "loss": sum(losses) / len(losses),
        "norm": sum(norms) / len(norms),
        "entropy": (sum(entropies) / len(entropies)).item(),
        "gradients": gradients,
        "weights": {name: p.detach() for name, p in model.named_parameters()},
    }


def tokens(model, sample):
    """(log-prob, entropy) of every response token at the rollout temperature."""
    ids = [*sample.prompt_ids, *sample.response_ids]
    logits = model(torch.tensor([ids])).logits[0] / TEMPERATURE
    for place in range(len(sample.prompt_ids), len(ids)):
        logprobs = torch.log_softmax(logits[place - 1], dim=-1)
        yield logprobs[ids[place]], -(logprobs.exp() * logprobs).sum()


def assert_same(got, expected, tolerance=1e-9):
    """Loss, entropy, gradient norm, every gradient and every weight."""
    metrics = got["metrics"]
    assert abs(metrics["loss/total"] - expected["loss"]) < tolerance
    assert abs(metrics["policy/entropy"] - expected["entropy"]) < tolerance
    assert abs(metrics["optimizer/grad_norm"] - expected["norm"]) < tolerance * 10
    for kind in ("gradients", "weights"):
        for name, tensor in expected[kind].items():
            assert (got[kind][name] - tensor).abs().max() < tolerance * 100, (kind, name)
