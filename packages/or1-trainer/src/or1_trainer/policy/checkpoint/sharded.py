"""Exact training state in a folder, from every rank at once and for any layout: torch.distributed.checkpoint.

Weights and both moments are stored under the names of `rules` as slices of the whole Hugging Face tensors, so that a
run saved at one tensor- and data-parallel size loads at another; at the same size every bit comes back. (Megatron's own
dist_checkpointing writes through a helper process that outlives a killed trainer and takes seconds to start on the
CPU.) `manifest` seals the folder.
"""

from pathlib import Path

import torch
import torch.distributed.checkpoint as dcp
from torch import Tensor
from torch.distributed.checkpoint import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Replicate, Shard

from or1_trainer.policy.checkpoint.files import on_main_rank, staging, start_folder
from or1_trainer.policy.checkpoint.manifest import checked_manifest, seal
from or1_trainer.policy.errors import CheckpointError
from or1_trainer.policy.hf_weights.rules import Part, Rule, rules
from or1_trainer.policy.model import Policy
from or1_trainer.policy.optimizer.interface import Optimizer, SelfSaving


def save_sharded(folder: str | Path, policy: Policy, optimizer: Optimizer | None) -> None:
    """Write weights and optimizer state; a collective. The folder appears whole or not at all.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written (on every rank).
    """
    target = Path(folder)
    on_main_rank(f"cannot write {target}", lambda: start_folder(target))
    partial, steps = staging(target), _steps(optimizer)
    try:
        if isinstance(optimizer, SelfSaving):
            optimizer.save(partial)
        else:
            dcp.save(_stored(policy, optimizer), storage_writer=FileSystemWriter(partial))
    except (CheckpointException, OSError) as error:
        _raise_interrupt(error)
        raise CheckpointError(
            f"cannot write {target}: {_cause(error)}; free space or choose another folder, "
            "the older checkpoints are untouched"
        ) from error
    seal(target, policy, steps)


def load_sharded(folder: str | Path, policy: Policy, optimizer: Optimizer | None) -> None:
    """Load what `save_sharded` wrote, at any tensor- and data-parallel size; a collective.

    With `optimizer` None only the weights are read.

    Raises:
        CheckpointError: the folder is incomplete or damaged, or belongs to another model.
    """
    source = Path(folder)
    manifest = checked_manifest(source, policy)
    try:
        if isinstance(optimizer, SelfSaving):
            optimizer.load(source)
        else:
            stored = _stored(policy, optimizer)
            dcp.load(stored, storage_reader=FileSystemReader(source))
            _restore(policy, optimizer, stored)
    except (CheckpointException, OSError, RuntimeError, ValueError) as error:
        _raise_interrupt(error)
        raise CheckpointError(
            f"{source} does not fit this model: {_cause(error)}; resume with the recipe of its run"
        ) from error
    if optimizer is not None:
        optimizer.load_step(int(manifest["step"]))


def _raise_interrupt(error: BaseException) -> None:
    """Ctrl-C on any rank, which torch reports as a failed checkpoint, is an interrupt and no full disk."""
    failures = error.failures.values() if isinstance(error, CheckpointException) else ()
    for failure in (error, *(inner for inner, _ in failures)):
        cause: BaseException | None = failure
        while cause is not None:  # a writer that is interrupted may fail once more while it closes its file
            if isinstance(cause, KeyboardInterrupt):
                raise KeyboardInterrupt from error
            cause = cause.__cause__ or cause.__context__


def _tensors(policy: Policy, optimizer: Optimizer | None) -> dict[str, dict[str, Tensor]]:
    """This rank's weights and moments by kind and parameter name, as views that can be written to."""
    kinds = {"weights": {name: parameter.detach() for name, parameter in policy.model.named_parameters()}}
    for key, tensor in (optimizer.state if optimizer is not None else {}).items():
        kind, _, name = key.partition("/")
        if name:
            kinds.setdefault(kind, {})[name] = tensor
    return kinds


def _stored(policy: Policy, optimizer: Optimizer | None) -> dict[str, Tensor]:
    """What is written or read: every Hugging Face tensor of every kind, as this rank's slice of the whole."""
    mesh = _mesh(policy)
    return {
        f"{kind}/{part.name}": _distributed(cut, part, mesh)
        for kind, tensors in _tensors(policy, optimizer).items()
        for rule in rules(policy)
        for part, cut in _cuts(policy, rule, tensors[rule.parameter])
    }


def _cuts(policy: Policy, rule: Rule, tensor: Tensor) -> list[tuple[Part, Tensor]]:
    """Split a parameter (or its moment) into the cuts of its Hugging Face tensors, vocabulary padding left out."""
    return [
        (part, cut.narrow(part.axis, 0, _real_rows(policy, part, cut)) if part.axis is not None else cut)
        for part, cut in zip(rule.parts, rule.split(tensor), strict=True)
    ]


def _real_rows(policy: Policy, part: Part, cut: Tensor) -> int:
    assert part.axis is not None
    before = policy.runtime.tensor_rank * cut.shape[part.axis]
    return max(0, min(cut.shape[part.axis], part.shape[part.axis] - before))


def _mesh(policy: Policy) -> DeviceMesh | None:
    """Data- by tensor-parallel mesh over the groups that exist; None where nothing is cut."""
    runtime = policy.runtime
    if runtime.tensor_size == 1:
        return None
    ranks = torch.arange(runtime.world_size).view(runtime.data_size, runtime.tensor_size)
    return DeviceMesh.from_group(
        [runtime.data_group, runtime.tensor_group], runtime.device.type, mesh=ranks, mesh_dim_names=("data", "tensor")
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


@torch.no_grad()
def _restore(policy: Policy, optimizer: Optimizer | None, stored: dict[str, Tensor]) -> None:
    for kind, tensors in _tensors(policy, optimizer).items():
        for rule in rules(policy):
            cuts = [stored[f"{kind}/{part.name}"] for part in rule.parts]
            whole = rule.join([cut.to_local() if isinstance(cut, DTensor) else cut for cut in cuts])
            target = tensors[rule.parameter]
            target[: whole.shape[0]].copy_(whole)
            target[whole.shape[0] :].zero_()


def _steps(optimizer: Optimizer | None) -> int:
    return int(optimizer.state["step"]) if optimizer is not None else 0


def _cause(error: BaseException) -> str:
    """The first rank's own error out of torch's wrapper."""
    failures = getattr(error, "failures", None)
    if failures:
        rank, (inner, _) = next(iter(failures.items()))
        return f"rank {rank}: {inner!r}"
    return str(error)
