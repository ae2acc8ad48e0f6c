"""Two tensor-parallel ranks, with and without sequence parallelism: shared prompts equal samples packed one by one."""

import torch
from megatron_cases import hf_gradients, hf_model, largest_difference, shared_samples, weighted_loss

from or1_trainer.algorithm.packing import pack
from or1_trainer.policy.hf_weights.weights import load_hf_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.policy.parallel import start_runtime, stop_runtime
from or1_trainer.policy.token_stats import token_stats

runtime = start_runtime(tensor=2, device="cpu", timeout_s=120)
samples = shared_samples()
for sequence_parallel in (False, True):
    reference = hf_model("qwen3", torch.float64)
    policy = build_policy(reference.config, runtime, dtype=torch.float64, sequence_parallel=sequence_parallel)
    load_hf_weights(policy, reference.state_dict())
    stats = token_stats(policy, pack(samples))
    weighted_loss(stats.logprobs_M, stats.entropy_M).backward()
    gradients, offset, logprobs = hf_gradients(policy), 0, []
    policy.model.zero_grad()
    for sample in samples:
        alone = token_stats(policy, pack([sample]))
        weighted_loss(alone.logprobs_M, alone.entropy_M, offset=offset).backward()
        offset += len(sample.response_ids)
        logprobs.append(alone.logprobs_M.detach())
    assert torch.allclose(stats.logprobs_M, torch.cat(logprobs), rtol=0, atol=1e-12)
    assert largest_difference(gradients, hf_gradients(policy)) < 1e-10
stop_runtime(runtime)
