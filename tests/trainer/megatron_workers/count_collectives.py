"""Two tensor-parallel ranks over gloo: what one micro-batch sends, and what autograd keeps of a layer."""

import json
import os
from collections import defaultdict
from pathlib import Path

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter
from transformers import AutoConfig

from or1_trainer.algorithm.packing import pack
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.policy.hf_weights.weights import init_weights
from or1_trainer.policy.model import build_policy
from or1_trainer.policy.parallel import start_runtime, stop_runtime
from or1_trainer.policy.token_stats import token_stats
from or1_trainer.rehearse.case import full_microbatch


class Count(TorchDispatchMode):
    def __init__(self):
        super().__init__()
        self.phase, self.seen = "", defaultdict(lambda: [0, 0])

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func.namespace == "c10d":
            sizes = [t.numel() * t.element_size() for t in tree_iter(args) if isinstance(t, torch.Tensor)]
            entry = self.seen[f"{self.phase} {func._opname.strip('_')}"]
            entry[0] += 1
            entry[1] += max(sizes)
        return func(*args, **(kwargs or {}))


def kept_of_a_layer(policy, batch):
    """Bytes that the storages saved for the backward pass grow by with a layer; weights are not counted."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in policy.model.parameters()}
    marks, kept = [], {}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            kept[storage.data_ptr()] = storage.nbytes(), storage
        return tensor

    hooks = [
        layer.register_forward_hook(lambda *_: marks.append(sum(size for size, _ in kept.values())))
        for layer in policy.model.decoder.layers
    ]
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        policy.hidden(batch)
    for hook in hooks:
        hook.remove()
    return marks[1] - marks[0]


def main():
    runtime = start_runtime(tensor=2, device="cpu", timeout_s=120)
    hf_config = AutoConfig.from_pretrained(os.environ["OR1_TEST_CONFIG"])
    config = resolve(read_recipe("or1-7b"), [("batch.microbatch_tokens", 512), ("stages.1.context_tokens", 300)])
    batch = pack(full_microbatch(config, config.stages[1], 32))
    count = Count()
    policy = build_policy(hf_config, runtime, dtype=torch.bfloat16, recompute=True, sequence_parallel=True)
    init_weights(policy, seed=0)
    with count:
        count.phase = "forward"
        stats = token_stats(policy, batch, chunk_tokens=128)
        count.phase = "backward"
        (stats.logprobs_M.sum() + stats.entropy_M.sum()).backward()
    whole = build_policy(hf_config, runtime, dtype=torch.float32, sequence_parallel=True)
    init_weights(whole, seed=0)
    result = {
        "collectives": dict(count.seen),
        "kept": kept_of_a_layer(whole, batch),
        "tokens": batch.token_ids_T.numel(),
    }
    if runtime.is_main:
        (Path(os.environ["OR1_TEST_SCRATCH"]) / "counts.json").write_text(json.dumps(result))
    stop_runtime(runtime)


main()
