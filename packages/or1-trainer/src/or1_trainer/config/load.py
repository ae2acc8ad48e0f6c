"""Recipe file + command line -> `RunConfig`; what is misspelt is named, with the nearest key that exists."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, get_args, get_origin

import msgspec

from or1_trainer.config.explain import explain
from or1_trainer.config.near import did_you_mean
from or1_trainer.config.schema import RunConfig, Settings
from or1_trainer.errors import ConfigError

RECIPES = resources.files("or1_trainer") / "recipes"


def recipe_names() -> list[str]:
    """Names of the recipes that ship with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in RECIPES.iterdir() if entry.name.endswith(".toml"))


def read_recipe(name: str) -> dict[str, Any]:
    """Parse a shipped recipe by name or a TOML file by path."""
    path = Path(name)
    if path.suffix == ".toml":
        source = f"recipe file {name}"
        try:
            text = path.read_text()
        except OSError as error:
            raise ConfigError(f"{source} cannot be read: {error.strerror}") from error
    elif name in recipe_names():
        source = f"recipe {name}"
        text = (RECIPES / f"{name}.toml").read_text()
    else:
        raise ConfigError(
            f"there is no recipe {name!r}{did_you_mean(name, recipe_names())}; "
            f"recipes: {', '.join(recipe_names())}, or the path of a .toml file"
        )
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source} is not TOML: {error}") from error


def parse_overrides(arguments: Iterable[str]) -> list[tuple[str, Any]]:
    """`--a.b 3 --c=x` -> [("a.b", 3), ("c", "x")]; values are TOML literals, else text."""
    overrides: list[tuple[str, Any]] = []
    pending: str | None = None
    for argument in arguments:
        if pending is not None:
            overrides.append((pending, _literal(argument)))
            pending = None
        elif not argument.startswith("--"):
            raise ConfigError(f"unexpected argument {argument!r}; settings are given as --section.key value")
        elif "=" in argument:
            key, value = argument[2:].split("=", 1)
            overrides.append((key.replace("-", "_"), _literal(value)))
        else:
            pending = argument[2:].replace("-", "_")
    if pending is not None:
        raise ConfigError(f"--{pending} needs a value")
    return overrides


def resolve(tree: Mapping[str, Any], overrides: Iterable[tuple[str, Any]] = ()) -> RunConfig:
    """Recipe tree with overrides applied, checked key by key and type by type."""
    _check_finite(tree, "")
    merged: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(tree))
    for key, value in overrides:
        _check_finite(value, key)
        _assign(merged, key.split("."), value, key)
    _check_keys(merged, RunConfig, "")
    try:
        return msgspec.convert(merged, RunConfig)
    except msgspec.ValidationError as error:
        raise ConfigError(explain(error, RunConfig, merged)) from error


def _check_finite(value: Any, where: str) -> None:
    """TOML has infinity and NaN; no setting has, and the run folder could not keep them."""
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
    """Set one dotted key; list items are addressed by their number (`stages.0.steps`)."""
    head, rest = path[0], path[1:]
    if isinstance(tree, list):
        if not head.isdigit() or int(head) >= len(tree):
            raise ConfigError(f"--{key}: {head!r} is not one of the {len(tree)} items, which count from 0")
        index: Any = int(head)
    elif isinstance(tree, dict):
        index = head
    else:
        raise ConfigError(f"--{key}: nothing below {head!r} can be set")
    if not rest:
        tree[index] = value
        return
    if isinstance(tree, dict):
        tree.setdefault(index, {})
    _assign(tree[index], rest, value, key)


def _check_keys(tree: Any, kind: Any, where: str) -> None:
    """Refuse keys that no settings struct has, naming the nearest one that exists."""
    if get_origin(kind) is tuple and isinstance(tree, list):
        for position, item in enumerate(tree):
            _check_keys(item, get_args(kind)[0], f"{where}{position}.")
    if not (isinstance(kind, type) and issubclass(kind, Settings) and isinstance(tree, dict)):
        return
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    for key, value in tree.items():
        if key not in fields:
            known = list(fields) if where else [*fields, *_all_keys()]
            raise ConfigError(f"unknown key {where}{key}{did_you_mean(key, known)}")
        _check_keys(value, fields[key], f"{where}{key}.")


def _all_keys() -> list[str]:
    return [
        f"{field.name}.{inner.name}"
        for field in msgspec.structs.fields(RunConfig)
        if isinstance(field.type, type) and issubclass(field.type, Settings)
        for inner in msgspec.structs.fields(field.type)
    ]
