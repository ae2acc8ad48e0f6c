"""`manifest.json` of a checkpoint folder: written last, with a SHA-256 of every file."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch.distributed as dist

from or1_trainer.policy.checkpoint.files import finish_folder, on_main_rank, staging
from or1_trainer.policy.errors import CheckpointError
from or1_trainer.policy.model import Policy

MANIFEST = "manifest.json"
_FORMAT = 2


def seal(target: Path, policy: Policy, steps: int) -> None:
    """Write the manifest of the staged folder and give the folder its name; a collective.

    Raises:
        CheckpointError: rank 0 could not (on every rank).
    """
    manifest = {
        "format": _FORMAT,
        "step": steps,
        "tensor": policy.runtime.tensor_size,
        "data": policy.runtime.data_size,
        "device": policy.runtime.platform,
        "dtype": str(policy.dtype),
        "sha256": _digests(policy, staging(target)),
    }
    on_main_rank(f"cannot write {target}", lambda: _finish(target, manifest))


def _finish(target: Path, manifest: dict[str, Any]) -> None:
    (staging(target) / MANIFEST).write_text(json.dumps(manifest, indent=1))
    finish_folder(target)


def checked_manifest(folder: Path, policy: Policy) -> dict[str, Any]:
    """The manifest of a folder whose files are all as they were written; a collective.

    Raises:
        CheckpointError: the folder is incomplete, damaged, or of another format.
    """
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
        expected = manifest["sha256"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CheckpointError(f"{folder} is not a complete checkpoint ({error!r}); use the one before") from error
    if manifest.get("format") != _FORMAT:
        raise CheckpointError(
            f"{folder} has checkpoint format {manifest.get('format')!r}, this version reads {_FORMAT}"
        )
    found = _digests(policy, folder)
    wrong = sorted(name for name in expected if found.get(name) != expected[name])
    if wrong:
        raise CheckpointError(
            f"{folder} is damaged: {', '.join(wrong[:3])} missing or changed since it was written; use the one before"
        )
    return manifest


def check_device(folder: Path, manifest: dict[str, Any], policy: Policy) -> None:
    """Refuse the optimizer's state of another device.

    Raises:
        CheckpointError: CPU and CUDA have different optimizers.
    """
    if manifest["device"] != policy.runtime.platform:
        raise CheckpointError(
            f"{folder} was written on {manifest['device']}; the optimizer's state moves between layouts but not "
            "between CPU and CUDA: resume there, or export the model and start from it"
        )


def _digests(policy: Policy, folder: Path) -> dict[str, str]:
    """SHA-256 of every file, the files shared out over the ranks."""
    mine = {str(path.relative_to(folder)): _sha256(path) for path in _share(policy, folder)}
    gathered: list[dict[str, str]] = [{} for _ in range(policy.runtime.world_size)]
    dist.all_gather_object(gathered, mine)
    return {name: digest for part in gathered for name, digest in sorted(part.items())}


def _share(policy: Policy, folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path != folder / MANIFEST)
    return files[policy.runtime.rank :: policy.runtime.world_size]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
