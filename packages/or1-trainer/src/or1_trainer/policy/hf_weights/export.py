"""Write the policy as a Hugging Face folder: safetensors, config.json and, if given, the tokenizer."""

import json
import math
import shutil
from collections.abc import Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from or1_trainer.policy.checkpoint.files import finish_folder, on_main_rank, staging, start_folder
from or1_trainer.policy.hf_weights.safetensors_folder import INDEX, SINGLE
from or1_trainer.policy.hf_weights.weights import PolicyWeights
from or1_trainer.policy.model import Policy

SHARD_BYTES = 4 * 2**30


def save_hf(
    policy: Policy,
    folder: str | Path,
    tokenizer: Any = None,
    *,
    dtype: torch.dtype | None = None,
    shard_bytes: int | None = None,
    generation_config: Path | None = None,
) -> None:
    """Write a folder that `AutoModelForCausalLM.from_pretrained` loads; it appears whole or not at all.

    `dtype` None keeps the policy's. A collective: all ranks gather, rank 0 writes, in shards of up to `shard_bytes`
    (None: 4 GiB), so that rank 0 never keeps a whole large model. A `generation_config` file, which may name further
    end tokens, is copied where it exists.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written (on every rank).
    """
    target, dtype = Path(folder), dtype or policy.dtype
    on_main_rank(f"cannot write {target}", lambda: start_folder(target))
    weights = PolicyWeights(policy)
    shards = _shards(weights, dtype, shard_bytes or SHARD_BYTES)
    stream = iter(weights)
    for file, names in shards.items():
        path = staging(target) / file
        tensors = {name: tensor.to(dtype).cpu().contiguous() for name, tensor in islice(stream, len(names))}
        on_main_rank(f"cannot write {path}", partial(save_file, tensors, path, {"format": "pt"}))
    finish = partial(_finish, policy, target, tokenizer, generation_config, dtype, shards)
    on_main_rank(f"cannot write {target}", finish)


def _shards(weights: PolicyWeights, dtype: torch.dtype, shard_bytes: int) -> dict[str, dict[str, int]]:
    """Files of up to `shard_bytes` with the bytes of each of their tensors, in the order of the weights."""
    shards: list[dict[str, int]] = [{}]
    for name, _, shape in weights.metadata():
        nbytes = math.prod(shape) * dtype.itemsize
        if shards[-1] and sum(shards[-1].values()) + nbytes > shard_bytes:
            shards.append({})
        shards[-1][name] = nbytes
    count = len(shards)
    files = [SINGLE] if count == 1 else [f"model-{i + 1:05d}-of-{count:05d}.safetensors" for i in range(count)]
    return dict(zip(files, shards, strict=True))


def _finish(
    policy: Policy,
    target: Path,
    tokenizer: Any,
    generation_config: Path | None,
    dtype: torch.dtype,
    shards: Mapping[str, Mapping[str, int]],
) -> None:
    """Write index, config, tokenizer and generation config, and rename the folder."""
    folder = staging(target)
    if len(shards) > 1:
        total = sum(sum(sizes.values()) for sizes in shards.values())
        weight_map = {name: file for file, sizes in shards.items() for name in sizes}
        index = {"metadata": {"total_size": total}, "weight_map": weight_map}
        (folder / INDEX).write_text(json.dumps(index, indent=1))
    policy.hf_config.architectures = [_ARCHITECTURES[policy.hf_config.model_type]]
    policy.hf_config.dtype = dtype
    policy.hf_config.save_pretrained(folder)
    for file in shards:  # safetensors writes files that only their owner may read
        (folder / file).chmod((folder / "config.json").stat().st_mode)
    if generation_config is not None and generation_config.exists():
        shutil.copyfile(generation_config, folder / generation_config.name)
    if tokenizer is not None:
        tokenizer.save_pretrained(folder)
    finish_folder(target)


_ARCHITECTURES = {"qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM", "llama": "LlamaForCausalLM"}
