"""Where the policies that the project makes itself are kept, and under which name; needs no torch."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec

from or1_trainer.config.schema import WarmStartSettings

FORMAT = 2
"""Raise when the demonstrations or their training change: old caches are then left alone."""


def cache_root() -> Path:
    """`$OR1_CACHE`, else `or1` in the user's cache folder (XDG)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    root = Path(os.environ.get("OR1_CACHE") or Path(base) / "or1")
    root.mkdir(parents=True, exist_ok=True)
    return root


def warm_start_folder(settings: WarmStartSettings) -> Path:
    """The folder of the warm start of these settings, whether it is there or not."""
    key = hashlib.sha256(msgspec.json.encode({"format": FORMAT, **msgspec.to_builtins(settings)})).hexdigest()[:12]
    return cache_root() / f"tiny-{key}"


def is_made(folder: Path) -> bool:
    """Whether a policy is there, whole: folders get their name when they are."""
    return (folder / "config.json").is_file()
