"""Write the policy as a Hugging Face folder: safetensors, config.json and, if given, the tokenizer."""

import json
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from or1_trainer.policy.checkpoint.files import finish_folder, on_main_rank, staging, start_folder
from or1_trainer.policy.hf_weights.safetensors_folder import INDEX, SINGLE
from or1_trainer.policy.hf_weights.weights import iter_hf_weights
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
    target = Path(folder)
    on_main_rank(f"cannot write {target}", lambda: start_folder(target))
    dtype = dtype or policy.dtype
    cast = ((name, tensor.to(dtype)) for name, tensor in iter_hf_weights(policy))
    file_of: dict[str, int] = {}
    sizes: list[int] = []
    for index, shard in enumerate(_shards(cast, shard_bytes or SHARD_BYTES)):
        path = staging(target) / _shard_name(index)
        on_main_rank(f"cannot write {path}", lambda shard=shard, path=path: save_file(shard, path, {"format": "pt"}))  # type: ignore[misc]
        file_of |= dict.fromkeys(shard, index)
        sizes.append(sum(tensor.nbytes for tensor in shard.values()))
    extra = tokenizer, generation_config
    on_main_rank(f"cannot write {target}", lambda: _finish(policy, target, extra, dtype, file_of, sizes))


def _shards(named: Iterable[tuple[str, Tensor]], shard_bytes: int) -> Iterator[dict[str, Tensor]]:
    """Collect tensors on the CPU until a shard is full."""
    shard: dict[str, Tensor] = {}
    held = 0
    for name, tensor in named:
        if shard and held + tensor.nbytes > shard_bytes:
            yield shard
            shard, held = {}, 0
        shard[name] = tensor.cpu().contiguous()
        held += tensor.nbytes
    yield shard


def _shard_name(index: int) -> str:
    return f"shard-{index}.safetensors"


def _finish(
    policy: Policy,
    target: Path,
    extra: tuple[Any, Path | None],
    dtype: torch.dtype,
    file_of: dict[str, int],
    sizes: list[int],
) -> None:
    """Give the shards their final names, write index, config, tokenizer and generation config, rename the folder."""
    tokenizer, generation_config = extra
    partial, count = staging(target), len(sizes)
    final = [SINGLE] if count == 1 else [f"model-{i + 1:05d}-of-{count:05d}.safetensors" for i in range(count)]
    for index, name in enumerate(final):
        (partial / _shard_name(index)).rename(partial / name)
    if count > 1:
        weight_map = {name: final[index] for name, index in file_of.items()}
        (partial / INDEX).write_text(
            json.dumps({"metadata": {"total_size": sum(sizes)}, "weight_map": weight_map}, indent=1)
        )
    policy.hf_config.architectures = [_ARCHITECTURES[policy.hf_config.model_type]]
    policy.hf_config.dtype = dtype
    policy.hf_config.save_pretrained(partial)
    for name in final:  # safetensors writes files that only their owner may read
        (partial / name).chmod((partial / "config.json").stat().st_mode)
    if generation_config is not None and generation_config.exists():
        shutil.copyfile(generation_config, partial / generation_config.name)
    if tokenizer is not None:
        tokenizer.save_pretrained(partial)
    finish_folder(target)


_ARCHITECTURES = {"qwen2": "Qwen2ForCausalLM", "qwen3": "Qwen3ForCausalLM", "llama": "LlamaForCausalLM"}
