"""Small random models, packed batches and slow reference computations for the Megatron tests and their workers."""

import itertools
import os
import types
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config, Qwen3Config

from or1_trainer.algorithm.packing import PackedBatch, Sample

SMALL = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 53,  # odd: padded to 54 at a tensor-parallel size of 2
    "max_position_embeddings": 512,
}
LLAMA3 = {
    "rope_type": "llama3",
    "rope_theta": 10000.0,
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 64,
}
YARN = {"rope_type": "yarn", "rope_theta": 10000.0, "factor": 8.0, "original_max_position_embeddings": 64}
CONFIGS = {
    "qwen2-tied": lambda: Qwen2Config(**SMALL, tie_word_embeddings=True),
    "qwen2-untied": lambda: Qwen2Config(**SMALL, tie_word_embeddings=False),
    "qwen2-yarn": lambda: Qwen2Config(**SMALL, rope_parameters=dict(YARN)),
    "qwen3": lambda: Qwen3Config(**SMALL, head_dim=16),
    "llama": lambda: LlamaConfig(**SMALL),
    "llama3-rope": lambda: LlamaConfig(**SMALL, rope_parameters=dict(LLAMA3), tie_word_embeddings=True),
}


def pack(sequences, masks):
    """Pack token-id lists; a mask says of each token but the first whether it is trained on as a label."""
    labels = [torch.cat((ids[1:], torch.tensor([0]))) for ids in sequences]
    is_trained_T = torch.cat([torch.cat((mask[1:], torch.tensor([False]))) for mask in masks])
    lengths = [len(ids) for ids in sequences]
    labels_M = torch.cat(labels)[is_trained_T]
    return PackedBatch(
        token_ids_T=torch.cat(sequences),
        positions_T=torch.cat([torch.arange(n) for n in lengths]),
        cu_seqlens_K1=np.array([0, *lengths]).cumsum(),
        prefix_K=np.full(len(sequences), -1),
        source_M=is_trained_T.nonzero().squeeze(1),
        labels_M=labels_M,
        advantages_M=torch.zeros(len(labels_M)),
        engine_logprobs_M=None,
        sequence_M=torch.zeros_like(labels_M),
        lengths_B=torch.tensor([len(labels_M)]),
    )


def shared_samples(*, vocab_size=53, seed=0):
    """Three prompts with five, one and two responses in mixed order; an odd number of tokens."""
    stream = torch.Generator().manual_seed(seed)
    prompts = [torch.randint(0, vocab_size, (n,), generator=stream).tolist() for n in (9, 21, 4)]
    drawn = [(0, 12), (2, 30), (0, 1), (1, 17), (0, 33), (2, 3), (0, 12), (0, 70)]
    return [
        Sample(
            prompt_ids=prompts[kind],
            response_ids=torch.randint(0, vocab_size, (count,), generator=stream).tolist(),
            advantage=0.0,
        )
        for kind, count in drawn
    ]


def random_sequences(lengths, *, vocab_size=53, seed=0):
    stream = torch.Generator().manual_seed(seed)
    sequences = [torch.randint(0, vocab_size, (n,), generator=stream) for n in lengths]
    masks = [torch.rand(n, generator=stream) < 0.8 for n in lengths]
    return sequences, masks


def hf_model(name, dtype, *, seed=1):
    """A random transformers model with visible biases and norm scales, exact in float64 too."""
    config = CONFIGS[name]()
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=dtype, attn_implementation="sdpa").eval()
    with torch.no_grad():
        for key, parameter in model.named_parameters():
            spread = 0.3 if parameter.dim() == 1 else 0.1
            parameter.add_(torch.randn(parameter.shape).to(dtype) * spread)
            assert parameter.dtype == dtype, key
    if dtype == torch.float64:
        for module in model.modules():
            if type(module).__name__.endswith("RMSNorm"):  # transformers' own rounds to float32 inside
                module.forward = types.MethodType(_exact_norm, module)
    return model


def _exact_norm(self, x):
    return self.weight * x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)


def hf_logits(model, batch):
    """Logits of every token, each sequence run alone through transformers."""
    bounds = batch.cu_seqlens_K1.tolist()
    pairs = itertools.pairwise(bounds)
    return torch.cat([model(input_ids=batch.token_ids_T[None, a:b]).logits[0] for a, b in pairs])


def policy_logits(policy, batch):
    """All logits of the policy, [T, V], gathered over tensor ranks: training never builds this tensor."""
    from megatron.core.tensor_parallel.mappings import gather_from_tensor_model_parallel_region

    shard_TV = policy.hidden(batch) @ policy.output_weight.t()
    whole_TV = gather_from_tensor_model_parallel_region(shard_TV, group=policy.runtime.tensor_group)
    return whole_TV[:, : policy.hf_config.vocab_size]


def plain_stats(logits, batch, temperature):
    """The formula, on full logits: log-probs and entropies of the trained labels."""
    log_p = torch.log_softmax(logits[batch.source_M] / temperature, -1)
    return log_p.gather(1, batch.labels_M[:, None]).squeeze(1), -(log_p.exp() * log_p).sum(-1)


def weighted_loss(logprobs, entropy, *, offset=0, total=100):
    """A loss with a different weight on every token, so that a swapped or dropped token shows."""
    index = torch.arange(offset, offset + len(logprobs), dtype=logprobs.dtype)
    return -((1 + torch.sin(index)) * logprobs + 0.3 * torch.cos(index) * entropy).sum() / total


def hf_gradients(policy):
    """The policy's gradients by Hugging Face name, whole: gathered over tensor ranks exactly as weights are."""
    from or1_trainer.policy.hf_weights.rules import rules
    from or1_trainer.policy.hf_weights.weights import _gather

    parameters = dict(policy.model.named_parameters())
    return {
        part.name: _gather(policy, part, local).clone()
        for rule in rules(policy)
        for part, local in zip(rule.parts, rule.split(_gradient(parameters[rule.parameter])), strict=True)
    }


def _gradient(parameter):
    """Zeros where no backward pass reached it."""
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def largest_difference(found, expected):
    """Largest difference over all tensors, relative to the largest entry of each."""
    assert found.keys() == expected.keys()
    return max(
        float((found[name] - expected[name]).abs().max() / expected[name].abs().max().clamp_min(1e-3)) for name in found
    )


def scratch():
    """Folder that all ranks of a worker share."""
    return Path(os.environ["OR1_TEST_SCRATCH"])
