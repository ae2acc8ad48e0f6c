"""Reading of a model's `config.json`: from its folder, or from the shapes in this package."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from importlib import resources
from typing import Any

from or1_trainer.config.near import did_you_mean
from or1_trainer.config.schema import RunConfig, WarmStartSettings
from or1_trainer.errors import ConfigError
from or1_trainer.model_path import local_model


def known_models() -> dict[str, dict[str, Any]]:
    """Return Hugging Face id -> the keys of its `config.json` that determine the shape."""
    return tomllib.loads((resources.files("or1_trainer.plan") / "known.toml").read_text())


def read_model_config(model: str) -> dict[str, Any]:
    """Return the `config.json` of a folder or the shape of a known Hugging Face id.

    Raises:
        ConfigError: neither; the message suggests the most similar known model.
    """
    path = local_model(model) / "config.json"
    if path.is_file():
        try:
            config: dict[str, Any] = json.loads(path.read_text())
        except ValueError as error:
            raise ConfigError(f"{path} is not JSON: {error}") from error
        return config
    known = known_models()
    if model not in known:
        raise ConfigError(
            f"model.path = {model!r} is neither a folder with config.json nor a model with a known shape"
            f"{did_you_mean(model, known, cutoff=0.3)}; known: {', '.join(known)}"
        )
    return known[model]


def model_config(config: RunConfig) -> Mapping[str, Any]:
    """Return the `config.json` of a run's model: of `model.path`, or of the warm start."""
    if config.model.path:
        return read_model_config(config.model.path)
    return warm_start_config(config.warm_start, vocabulary=0)


def warm_start_config(start: WarmStartSettings, vocabulary: int) -> dict[str, Any]:
    """Return the keys of `config.json` that determine the shape of a warm start."""
    return {
        "model_type": "qwen2",
        "hidden_size": start.hidden,
        "intermediate_size": start.intermediate,
        "num_hidden_layers": start.layers,
        "num_attention_heads": start.heads,
        "num_key_value_heads": start.kv_heads,
        "vocab_size": vocabulary,
        "tie_word_embeddings": True,
    }
