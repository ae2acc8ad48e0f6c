"""What `model.path` of a recipe names: a Hugging Face folder, a GGUF file, or a file inside an installed package."""

from __future__ import annotations

from importlib import util
from pathlib import Path

from or1_trainer.errors import ConfigError

IN_PACKAGE = "package:"
"""`package:NAME/FILE` is FILE in the folder of the installed Python package NAME."""


def local_model(path: str) -> Path:
    """The Hugging Face folder of `model.path`; a GGUF file is converted once and kept in the cache.

    A folder is not looked into. Raises `ConfigError` where a package or a GGUF file is missing or cannot be read.
    """
    place = _in_package(path.removeprefix(IN_PACKAGE)) if path.startswith(IN_PACKAGE) else Path(path)
    if place.suffix != ".gguf":
        return place
    from or1_trainer.policy.hf_weights.gguf import gguf_folder

    return gguf_folder(place)


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
