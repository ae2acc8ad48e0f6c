"""Where a model's `config.json` comes from: its folder, or the shapes that ship with this package."""

from __future__ import annotations

import difflib
import json
import tomllib
from importlib import resources
from pathlib import Path
from typing import Any

from or1_trainer.errors import ConfigError

KNOWN = resources.files("or1_trainer.shapes") / "known.toml"


def known_models() -> dict[str, dict[str, Any]]:
    """Hub id -> the keys of its `config.json` that decide the shape."""
    return tomllib.loads(KNOWN.read_text())


def read_model_config(model: str) -> dict[str, Any]:
    """The `config.json` of a folder, or the shape of a known hub id.

    Raises `ConfigError` naming the nearest known model for anything else.
    """
    path = Path(model) / "config.json"
    if path.is_file():
        try:
            config: dict[str, Any] = json.loads(path.read_text())
        except ValueError as error:
            raise ConfigError(f"{path} is not JSON: {error}") from error
        return config
    known = known_models()
    if model not in known:
        near = difflib.get_close_matches(model, known, n=1, cutoff=0.3)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise ConfigError(
            f"model.path = {model!r} is neither a folder with config.json nor a model whose shape is known{hint}; "
            f"known: {', '.join(known)}"
        )
    return known[model]
