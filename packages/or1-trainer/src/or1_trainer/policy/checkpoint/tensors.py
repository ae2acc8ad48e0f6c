"""Tensors of a policy in a folder, written and read by every rank at once: torch.distributed.checkpoint.

They are stored under their Hugging Face names as slices of the whole tensors, so that what was saved at one tensor- and
data-parallel size loads at another; at the same size every bit comes back. (Megatron's own dist_checkpointing writes
through a helper process that outlives a killed trainer and takes seconds to start on the CPU.)
"""

from pathlib import Path

import torch
import torch.distributed.checkpoint as dcp
from torch import Tensor
from torch.distributed.checkpoint import FileSystemReader, FileSystemWriter
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Replicate, Shard

from or1_trainer.policy.hf_weights.rules import Part, rules
from or1_trainer.policy.model import Policy

Kinds = dict[str, dict[str, Tensor]]
"""This rank's tensors by kind ("weights", a moment) and parameter name."""
_STEPS = "steps"


def weights_of(policy: Policy) -> Kinds:
    """The policy's weights, as views that can be written to."""
    return {"weights": {name: parameter.detach() for name, parameter in policy.model.named_parameters()}}


def save_tensors(folder: Path, policy: Policy, kinds: Kinds, steps: int) -> None:
    """Write tensors and a step count; a collective."""
    dcp.save({_STEPS: torch.tensor(steps), **_stored(policy, kinds)}, storage_writer=FileSystemWriter(folder))


@torch.no_grad()
def load_tensors(folder: Path, policy: Policy, kinds: Kinds) -> int:
    """Read what `save_tensors` wrote into `kinds`, in place, and return the step count; a collective."""
    stored = {_STEPS: torch.tensor(0), **_stored(policy, kinds)}
    dcp.load(stored, storage_reader=FileSystemReader(folder))
    for kind, tensors in kinds.items():
        for rule in rules(policy):
            cuts = [stored[f"{kind}/{part.name}"] for part in rule.parts]
            rule.fill(tensors[rule.parameter], [c.to_local() if isinstance(c, DTensor) else c for c in cuts])
    return int(stored[_STEPS])


def _stored(policy: Policy, kinds: Kinds) -> dict[str, Tensor]:
    """Every Hugging Face tensor of every kind, as this rank's slice of the whole; without vocabulary padding."""
    mesh = _mesh(policy)
    return {
        f"{kind}/{part.name}": _distributed(cut.narrow(part.axis or 0, 0, len(part.held(policy.runtime))), part, mesh)
        for kind, tensors in kinds.items()
        for rule in rules(policy)
        for part, cut in zip(rule.parts, rule.split(tensors[rule.parameter]), strict=True)
    }


def _mesh(policy: Policy) -> DeviceMesh | None:
    """Data- by tensor-parallel mesh over the groups that exist; None where nothing is cut."""
    runtime = policy.runtime
    if runtime.tensor_size == 1:
        return None
    ranks = torch.arange(runtime.world_size).view(runtime.data_size, runtime.tensor_size)
    return DeviceMesh.from_group(
        [runtime.data_group, runtime.tensor_group], runtime.platform, mesh=ranks, mesh_dim_names=("data", "tensor")
    )


def _distributed(cut: Tensor, part: Part, mesh: DeviceMesh | None) -> Tensor:
    if mesh is None or part.axis is None:
        return cut.contiguous()
    stride = torch.empty(part.shape, device="meta").stride()
    return DTensor.from_local(
        cut.contiguous(),
        mesh,
        (Replicate(), Shard(part.axis)),
        run_check=False,
        shape=torch.Size(part.shape),
        stride=stride,
    )
