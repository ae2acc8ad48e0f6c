"""Where the warm starts of the toy policies are: shipped with this package, or in the cache; needs no torch."""

from __future__ import annotations

import hashlib
from importlib import resources
from pathlib import Path

import msgspec

from or1_trainer.cache import cache_root
from or1_trainer.config.schema import WarmStartSettings

FORMAT = 3
"""Raise when the demonstrations or their training change: old caches are then left alone."""


def warm_start_folder(settings: WarmStartSettings) -> Path:
    """The folder of the warm start of these settings: the shipped one, else one in the cache that may not exist yet."""
    decides = msgspec.json.encode({"format": FORMAT, **msgspec.to_builtins(settings)})
    name = f"tiny-{hashlib.sha256(decides).hexdigest()[:12]}"
    shipped = Path(str(resources.files("or1_trainer.toy"))) / "warm_starts" / name
    return shipped if is_made(shipped) else cache_root() / name


def is_made(folder: Path) -> bool:
    """Whether a policy is there, complete: folders get their name when they are."""
    return (folder / "config.json").is_file()
