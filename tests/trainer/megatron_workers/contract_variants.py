"""Every loss option by its formula, sequence by sequence in plain Python, beside `contract_case.ours`."""

import math
import random
from dataclasses import replace

import torch
from contract_case import ALPHA, CLIP_HIGH, CLIP_LOW, CONTEXT, LR, ours, samples, tokens
from megatron_cases import hf_model

KL_BETA, COV_SHARE, COV_BETA = 0.2, 0.1, 0.7

VARIANTS = {
    "magic": {},
    "sequence mean": {"loss": {"aggregate": "sequence"}},
    "dr grpo": {"loss": {"aggregate": "constant"}},
    "gspo": {"loss": {"kind": "gspo", "aggregate": "sequence"}},
    "cispo": {"loss": {"kind": "cispo"}},
    "clip_cov": {"loss": {"kind": "clip_cov", "covariance_share": COV_SHARE}},
    "kl_cov": {"loss": {"kind": "kl_cov", "covariance_share": COV_SHARE, "covariance_beta": COV_BETA}},
    "kl": {"loss": {"kl_beta": KL_BETA}},
    "token_tis": {"mismatch": {"correction": "token_tis"}},
    "sequence_mask": {"mismatch": {"correction": "sequence_mask"}},
    "geometric_mask": {
        "mismatch": {"correction": "geometric_mask", "geometric_low": 0.9, "geometric_high": 1.1},
    },
    "icepop": {"mismatch": {"correction": "icepop"}},
    "coupled": {"mismatch": {"proximal": "engine"}},
}


def batch():
    """Samples whose engine log-probs are off by noise, some far off."""
    model, rng = hf_model("qwen2-tied", torch.float64), random.Random(5)
    with torch.no_grad():
        return [
            replace(s, engine_logprobs=[float(lp) - rng.gauss(0, 0.4) for lp, _ in tokens(model, s)]) for s in samples()
        ]


def halves(whole):
    """Two mini-batches."""
    return [whole[:4], whole[4:]]


def reference_model():
    """The policy, moved a little: the frozen reference of a KL term."""
    model = hf_model("qwen2-tied", torch.float64)
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
    return model


def ours_variant(runtime, name, steps, **options):
    """`update` with the options of a variant."""
    variant = VARIANTS[name]
    reference = reference_model() if variant.get("loss", {}).get("kl_beta") else None
    return ours(runtime, steps, reference=reference, **variant, **options)


def slow_variant(name, steps, *, reuse=1):
    """The same by hand."""
    model, reference = hf_model("qwen2-tied", torch.float64), reference_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, betas=(0.9, 0.95), weight_decay=0.0)
    with torch.no_grad():
        before = {id(s): [float(lp) for lp, _ in tokens(model, s)] for step in steps for s in step}
        frozen = {id(s): [float(lp) for lp, _ in tokens(reference, s)] for step in steps for s in step}
        entropies = [float(h) for step in steps for s in step for _, h in tokens(model, s)]
    losses, norms = [], []
    for _ in range(reuse):
        for step in steps:
            chosen = top_covariance(step, before)
            total = sum(
                share(name, step, s, list(tokens(model, s)), before[id(s)], frozen[id(s)], chosen) for s in step
            )
            optimizer.zero_grad()
            (-total).backward()
            gradients = {n: p.grad.clone() for n, p in model.named_parameters()}
            norms.append(math.sqrt(sum(float(g.square().sum()) for g in gradients.values())))
            losses.append(-float(total.detach()))
            optimizer.step()
    return {
        "loss": sum(losses) / len(losses),
        "norm": sum(norms) / len(norms),
        "entropy": sum(entropies) / len(entropies),
        "gradients": gradients,
        "weights": {n: p.detach() for n, p in model.named_parameters()},
    }


def top_covariance(step, before):
    """(sample, place) of the top share of tokens by (log pi - mean)(A - mean)."""
    flat = [(id(s), t, lp, s.advantage) for s in step for t, lp in enumerate(before[id(s)])]
    mean_lp = sum(lp for *_, lp, _ in flat) / len(flat)
    mean_a = sum(a for *_, a in flat) / len(flat)
    ranked = sorted(flat, key=lambda f: (f[2] - mean_lp) * (f[3] - mean_a), reverse=True)
    return {(sample, t) for sample, t, *_ in ranked[: max(1, math.floor(COV_SHARE * len(flat)))]}


def share(name, step, sample, per_token, before, frozen, chosen):
    """What one sequence adds to minus the loss."""
    length = len(sample.response_ids)
    num_tokens = sum(len(s.response_ids) for s in step)
    scale = {
        "sequence mean": 1 / (length * len(step)),
        "gspo": 1 / (length * len(step)),
        "dr grpo": 1 / (len(step) * CONTEXT),
    }.get(name, 1 / num_tokens)
    engine = sample.engine_logprobs
    gaps = [b - e for b, e in zip(before, engine, strict=True)]
    whole_ratio = torch.exp(sum(lp - b for (lp, _), b in zip(per_token, before, strict=True)) / length)
    total = 0.0
    for t, (logprob, entropy) in enumerate(per_token):
        ratio = torch.exp(logprob - (engine[t] if name == "coupled" else before[t]))
        if name == "gspo":
            ratio = whole_ratio
        advantage = sample.advantage
        clipped = torch.clamp(ratio, 1 - CLIP_LOW, 1 + CLIP_HIGH)
        objective = torch.min(ratio * advantage, clipped * advantage)
        if name == "cispo":
            objective = clipped.detach() * advantage * logprob
        if name == "clip_cov" and (id(sample), t) in chosen:
            objective = objective.detach()
        if name == "kl_cov":
            objective = ratio * advantage
            if (id(sample), t) in chosen:
                objective = objective - COV_BETA * (logprob - before[t]).abs()
        if name == "kl":
            d = frozen[t] - logprob
            objective = objective - KL_BETA * (torch.exp(d) - d - 1)
        total = total + scale * (weight(name, gaps, t) * objective + ALPHA * entropy)
    return total


def weight(name, gaps, t):
    """The correction of one token."""
    if name == "token_tis":
        return min(math.exp(gaps[t]), 2.0)
    if name == "sequence_mask":
        return float(1 / 3 <= math.exp(sum(gaps)) <= 3)
    if name == "geometric_mask":
        return float(0.9 <= math.exp(sum(gaps) / len(gaps)) <= 1.1)
    if name == "icepop":
        return math.exp(gaps[t]) if 0.5 <= math.exp(gaps[t]) <= 5 else 0.0
    return 1.0
