"""A name for a model folder that changes with its weights."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_SUFFIXES: Final = {".json", ".safetensors", ".bin", ".model", ".gguf", ".jinja"}
_END_BYTES: Final = 65_536


def model_identity(path: Path) -> str:
    """The folder's name with a hash over, of each of its files, name, size and both ends."""
    digest = hashlib.sha256()
    for file in sorted(path.iterdir()):
        if file.suffix in _SUFFIXES and file.is_file():
            digest.update(f"{file.name}:{file.stat().st_size}".encode())
            for chunk in _ends(file):
                digest.update(chunk)
    return f"{path.resolve().name}@{digest.hexdigest()[:12]}"


def _ends(file: Path) -> Iterator[bytes]:
    with file.open("rb") as data:
        yield data.read(_END_BYTES)
        if file.stat().st_size > 2 * _END_BYTES:
            data.seek(-_END_BYTES, 2)
            yield data.read(_END_BYTES)
