"""A name for a model folder that changes with its weights."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

_SUFFIXES: Final = {".json", ".safetensors", ".bin", ".model", ".gguf", ".jinja"}
_END_BYTES: Final = 65_536


def model_identity(path: Path) -> str:
    """The folder's name with a hash over, of each of its files, name, size and both ends."""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if file.suffix in _SUFFIXES and file.is_file():
            size = file.stat().st_size
            digest.update(f"{file.name}:{size}".encode())
            with file.open("rb") as data:
                digest.update(data.read(_END_BYTES))
                if size > 2 * _END_BYTES:
                    data.seek(-_END_BYTES, os.SEEK_END)
                    digest.update(data.read(_END_BYTES))
    return f"{path.resolve().name}@{digest.hexdigest()[:12]}"
