"""Recipe file + command line -> `RunConfig`, with errors that suggest the most similar existing key."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from or1_trainer.config.explain import explain
from or1_trainer.config.near import did_you_mean
from or1_trainer.config.schema import RunConfig
from or1_trainer.errors import ConfigError

RECIPES = resources.files("or1_trainer") / "recipes"


def recipe_names() -> list[str]:
    """Return the names of the recipes that ship with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in RECIPES.iterdir() if entry.name.endswith(".toml"))


def read_recipe(name: str) -> dict[str, Any]:
    """Parse a recipe of the package (by name) or a TOML file (by path). Raises `ConfigError` where there is none."""
    is_file = Path(name).suffix == ".toml"
    if not is_file and name not in recipe_names():
        raise ConfigError(
            f"there is no recipe {name!r}{did_you_mean(name, recipe_names())}; "
            f"recipes: {', '.join(recipe_names())}, or the path of a .toml file"
        )
    source = f"recipe file {name}" if is_file else f"recipe {name}"
    try:
        tree = tomllib.loads((Path(name) if is_file else RECIPES / f"{name}.toml").read_text())
    except OSError as error:
        raise ConfigError(f"{source} cannot be read: {error.strerror}") from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not TOML: {error}") from error
    for key in ("name", "stages"):
        if key not in tree:
            raise ConfigError(f"{source} has no {key!r}: every recipe needs it")
    return tree


def parse_overrides(arguments: Iterable[str]) -> list[tuple[str, Any]]:
    """Parse `--a.b 3 --c=x` to [("a.b", 3), ("c", "x")]; a value that is no TOML literal is text."""
    overrides: list[tuple[str, Any]] = []
    items = iter(arguments)
    for item in items:
        if not item.startswith("--"):
            raise ConfigError(f"unexpected argument {item!r}; settings are given as --section.key value")
        key, equals, given = item.removeprefix("--").partition("=")
        value = given if equals else next(items, None)
        if value is None:
            raise ConfigError(f"--{key} needs a value")
        overrides.append((key.replace("-", "_"), _literal(value)))
    return overrides


def resolve(tree: Mapping[str, Any], overrides: Iterable[tuple[str, Any]] = ()) -> RunConfig:
    """Apply `overrides` to the recipe and convert it to typed settings.

    Raises `ConfigError` with the key, for one that is unknown and for a value of the wrong type or out of range.
    """
    _check_finite(tree, "")
    merged: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(tree))
    for key, value in overrides:
        _check_finite(value, key)
        _assign(merged, key.split("."), value, key)
    try:
        return msgspec.convert(merged, RunConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(explain(error, RunConfig, merged)) from error


def _check_finite(value: Any, where: str) -> None:
    """TOML has infinity and NaN; no setting does, and the JSON files of the run folder could not store them."""
    inner = value.items() if isinstance(value, Mapping) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        _check_finite(item, f"{where}.{key}".removeprefix("."))
    if isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where} must be a finite number, got {value}")


def _literal(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _assign(tree: Any, path: list[str], value: Any, key: str) -> None:
    """Set one dotted key; list items are addressed by their index (`stages.0.steps`)."""
    head, rest = path[0], path[1:]
    if isinstance(tree, list):
        if not head.isdigit() or int(head) >= len(tree):
            raise ConfigError(f"--{key}: there is no item {head!r}; the list has {len(tree)} items, counted from 0")
        index: Any = int(head)
    elif isinstance(tree, dict):
        index = head
    else:
        raise ConfigError(f"--{key}: {head!r} is below a plain value, which has no keys")
    if not rest:
        tree[index] = value
        return
    if isinstance(tree, dict):
        tree.setdefault(index, {})
    _assign(tree[index], rest, value, key)
