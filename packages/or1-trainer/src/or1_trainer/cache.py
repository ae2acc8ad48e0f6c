"""The folder where OR1 keeps what it made once and can make again."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """`$OR1_CACHE`, else `or1` in the user's cache folder (XDG)."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    root = Path(os.environ.get("OR1_CACHE") or Path(base) / "or1")
    root.mkdir(parents=True, exist_ok=True)
    return root
