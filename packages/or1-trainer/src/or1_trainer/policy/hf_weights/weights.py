"""Hugging Face weights into the policy and out of it, and a fresh start."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from or1_trainer.policy.errors import WeightError
from or1_trainer.policy.hf_weights.rules import Part, rules
from or1_trainer.policy.hf_weights.safetensors_folder import SafetensorsFolder
from or1_trainer.policy.model import Policy


def load_hf_weights(policy: Policy, source: str | Path | Mapping[str, Tensor]) -> None:
    """Load a Hugging Face checkpoint in the policy's own dtype; each rank reads only its own slices.

    `source` is a folder with `model.safetensors` or its indexed shards, or a state dict.

    Raises:
        WeightError: a tensor is missing, unknown or of another shape than config.json says.
    """
    tensors = source if isinstance(source, Mapping) else SafetensorsFolder(Path(source))
    _check_names(policy, tensors)
    _fill(policy, lambda part: _read(policy, tensors, part))


def init_weights(policy: Policy, *, seed: int) -> None:
    """Start from scratch as `transformers` does: N(0, initializer_range) for matrices, zero biases, norms of one.

    Every Hugging Face tensor has its own random stream, so the weights do not depend on the parallel layout.
    """
    spread = float(policy.hf_config.initializer_range)

    def draw(part: Part) -> Tensor:
        if len(part.shape) == 1:
            whole = torch.zeros(part.shape) if part.name.endswith("bias") else torch.ones(part.shape)
        else:
            digest = hashlib.sha256(f"{seed}/{part.name}".encode()).digest()  # in every process the same, unlike `hash`
            stream = torch.Generator().manual_seed(int.from_bytes(digest[:7], "big"))
            whole = torch.randn(part.shape, generator=stream) * spread
        return _slice(policy, part, whole)

    _fill(policy, draw)


class PolicyWeights:
    """The policy's weights as a stream under their Hugging Face names, described beforehand.

    Iterating goes name by name: never a second model in memory. `metadata` costs no transfer.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy, self._rules = policy, list(rules(policy))
        self._parameters = dict(policy.model.named_parameters())

    def __iter__(self) -> Iterator[tuple[str, Tensor]]:
        """Yield every weight, whole and on the policy's device.

        A collective: every rank must run it to the end, and every rank gets the same tensors in the same order. A
        tensor may share memory with the policy: copy what must outlive the next optimizer step. A tied output
        projection is not yielded.
        """
        for rule in self._rules:
            cuts = rule.split(self._parameters[rule.parameter].detach())
            for part, local in zip(rule.parts, cuts, strict=True):
                yield part.name, _gather(self._policy, part, local)

    def metadata(self) -> list[tuple[str, torch.dtype, tuple[int, ...]]]:
        """Names, dtypes and whole shapes, in the order of iteration."""
        kinds = [(self._parameters[rule.parameter].dtype, part) for rule in self._rules for part in rule.parts]
        return [(part.name, dtype, part.shape) for dtype, part in kinds]


@torch.no_grad()
def _fill(policy: Policy, read_cut: Callable[[Part], Tensor]) -> None:
    parameters = dict(policy.model.named_parameters())
    for rule in rules(policy):
        rule.fill(parameters.pop(rule.parameter), [read_cut(part) for part in rule.parts])
    assert not parameters, f"no rule for {sorted(parameters)}"


def _read(policy: Policy, tensors: Mapping[str, Tensor] | SafetensorsFolder, part: Part) -> Tensor:
    shape = tuple(tensors.shape(part.name) if isinstance(tensors, SafetensorsFolder) else tensors[part.name].shape)
    if shape != part.shape:
        raise WeightError(
            f"{part.name} has shape {list(shape)} in the weights but {list(part.shape)} by config.json; "
            "the config and the weights belong to different models"
        )
    if isinstance(tensors, SafetensorsFolder):
        return tensors.read(part.name, part.axis or 0, part.held(policy.runtime))
    return _slice(policy, part, tensors[part.name])


def _slice(policy: Policy, part: Part, whole: Tensor) -> Tensor:
    held = part.held(policy.runtime)
    return whole.narrow(part.axis or 0, held.start, len(held))


def _check_names(policy: Policy, tensors: Mapping[str, Tensor] | SafetensorsFolder) -> None:
    expected = {part.name for rule in rules(policy) for part in rule.parts}
    found = set(tensors.keys())
    found -= {name for name in found if name.endswith("rotary_emb.inv_freq")}  # a derived buffer of old exports
    if policy.tied:
        found.discard("lm_head.weight")  # the same tensor under its second name
    for label, names in (("lack", expected - found), ("hold the unknown", found - expected)):
        if names:
            shown = ", ".join(sorted(names)[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
            raise WeightError(
                f"the weights {label} {shown}; they do not belong to a {policy.hf_config.model_type} model "
                "with this config.json"
            )


def _gather(policy: Policy, part: Part, local: Tensor) -> Tensor:
    """Put the cuts of all tensor ranks together; ranks with a shorter cut (vocabulary padding) send padding along."""
    if part.axis is None or policy.runtime.tensor_size == 1:
        return local
    cuts = [torch.empty_like(local, memory_format=torch.contiguous_format) for _ in range(policy.runtime.tensor_size)]
    dist.all_gather(cuts, local.contiguous(), group=policy.runtime.tensor_group)
    return torch.cat(cuts, part.axis).narrow(part.axis, 0, part.shape[part.axis])
