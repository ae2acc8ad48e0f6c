"""Three optimizer steps with the batch shared out over data ranks, then save, reload and go on, in any layout."""

import torch
from megatron_cases import hf_gradients, hf_model, pack, random_sequences, weighted_loss

from or1_trainer.config.schema import OptimizerSettings
from or1_trainer.policy.checkpoint.sharded import load_sharded, save_sharded
from or1_trainer.policy.hf_weights.weights import PolicyWeights, load_hf_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.policy.optimizer.build import build_optimizer
from or1_trainer.policy.token_stats import token_stats

SEQUENCES, MASKS = random_sequences([17, 40, 3, 64, 1, 33, 20, 21], seed=4)
RATE = 1e-2
SETTINGS = OptimizerSettings(max_grad_norm=0.05, beta2=0.95, weight_decay=0.1)
TRAINED = [int(mask[1:].sum()) for mask in MASKS]


def build(runtime):
    reference = hf_model("qwen2-tied", torch.float64)
    policy = build_policy(reference.config, runtime, dtype=torch.float64)
    load_hf_weights(policy, reference.state_dict())
    return policy, build_optimizer(policy, SETTINGS)


def train_step(policy, optimizer):
    """Every data rank takes every data_size-th sequence; a token's weight goes by its place in the whole batch."""
    runtime = policy.runtime
    optimizer.zero_grad()
    for index in range(runtime.data_rank, len(SEQUENCES), runtime.data_size):
        stats = token_stats(policy, pack([SEQUENCES[index]], [MASKS[index]]), chunk_tokens=16)
        weighted_loss(stats.logprobs_M, stats.entropy_M, offset=sum(TRAINED[:index])).backward()
    return optimizer.step(RATE)


def same_state(one, two):
    return one.steps == two.steps and all(
        torch.equal(tensor, two.state[kind][name])
        for kind, tensors in one.state.items()
        for name, tensor in tensors.items()
    )


def same_weights(policy, twin):
    return all(torch.equal(a, b) for a, b in zip(policy.model.parameters(), twin.model.parameters(), strict=True))


def run_layout(runtime, scratch, *, other=None):
    """Check this layout against itself and the checkpoint of `other`; rank 0 leaves its numbers for the test."""
    layout = f"{runtime.data_size}-{runtime.tensor_size}"
    policy, optimizer = build(runtime)
    norms = [train_step(policy, optimizer) for _ in range(3)]
    after_three = {name: tensor.clone() for name, tensor in PolicyWeights(policy)}
    gradients = hf_gradients(policy)  # summed over data ranks and clipped by the step
    save_sharded(scratch / f"sharded-{layout}", policy, optimizer)

    # The same layout: bit for bit, and so is the step that follows.
    twin, twin_optimizer = build(runtime)
    load_sharded(scratch / f"sharded-{layout}", twin, twin_optimizer)
    assert same_weights(policy, twin)
    assert same_state(optimizer, twin_optimizer)
    assert train_step(policy, optimizer) == train_step(twin, twin_optimizer)
    assert same_weights(policy, twin)

    if other:  # another layout's checkpoint: the same weights, whole, and the same step
        fourth = {name: tensor.clone() for name, tensor in PolicyWeights(policy)}
        load_sharded(scratch / f"sharded-{other}", twin, twin_optimizer)
        assert twin_optimizer.steps == 3
        assert all(torch.allclose(t, after_three[name], rtol=0, atol=1e-9) for name, t in PolicyWeights(twin))
        train_step(twin, twin_optimizer)
        assert all(torch.allclose(t, fourth[name], rtol=0, atol=1e-9) for name, t in PolicyWeights(twin))
    if runtime.is_main:
        result = {"norms": norms, "gradients": gradients, "weights": after_three}
        torch.save(result, scratch / f"result-{layout}.pt")
