"""What `model.path` of a recipe names: a Hugging Face folder, a GGUF file, or a file inside an installed package."""

from __future__ import annotations

import hashlib
import sys
import tempfile
from contextlib import suppress
from importlib import util
from pathlib import Path

from or1_trainer.cache import cache_root
from or1_trainer.errors import ConfigError

IN_PACKAGE = "package:"
"""`package:NAME/FILE` is FILE in the folder of the installed Python package NAME."""


def local_model(path: str) -> Path:
    """The Hugging Face folder of `model.path`; a GGUF file is converted once and kept in the cache.

    A folder is not looked into. Raises `ConfigError` where a package or a GGUF file is missing or cannot be read.
    """
    place = _in_package(path.removeprefix(IN_PACKAGE)) if path.startswith(IN_PACKAGE) else Path(path)
    return _converted(place) if place.suffix == ".gguf" else place


def _converted(file: Path) -> Path:
    """The folder of a GGUF file in the cache, made now if it is not there; the key is a hash of the file's bytes."""
    folder = cache_root() / f"gguf-{_digest(file)}"
    if not folder.is_dir():
        print(f"{file.name}: converting to a Hugging Face folder, once", file=sys.stderr, flush=True)
        from or1_trainer.policy.hf_weights.gguf import import_gguf  # imports torch, which takes seconds

        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".gguf-") as partial:
            whole = Path(partial) / "model"
            import_gguf(file, whole)
            with suppress(OSError):  # another process was first: its folder holds the same
                whole.rename(folder)
    return folder


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()[:16]
    except OSError as error:
        raise ConfigError(
            f"model.path: {file} cannot be read ({error.strerror}); give the path of a GGUF file"
        ) from error


def _in_package(path: str) -> Path:
    name, _, file = path.partition("/")
    spec = util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        raise ConfigError(
            f"model.path = {IN_PACKAGE}{path}: the Python package {name} is not installed; "
            f"install it (in this workspace: uv sync --group smollm2), give --model.path another model, or train "
            f"without it: or1-trainer tiny"
        )
    return Path(spec.submodule_search_locations[0]) / file
