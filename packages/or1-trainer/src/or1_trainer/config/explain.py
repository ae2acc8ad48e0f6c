"""Messages for settings that msgspec refuses: the key as on the command line, the allowed values, the value given."""

from __future__ import annotations

import re
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

import msgspec

from or1_trainer.config.base import Settings
from or1_trainer.config.near import did_you_mean

_RANGE = re.compile(r"Expected `\w+` (?P<range>[<>]=? \S+)")
_PATTERN = re.compile(r"Expected `str` matching regex '(?P<pattern>.*)'")
_UNKNOWN = re.compile(r"Object contains unknown field `(?P<key>[^`]*)`")
_INDEX = re.compile(r"\[(\d+|\.\.\.)\]")


def explain(error: msgspec.ValidationError, kind: type[Settings], tree: Any) -> str:
    """Rewrite the error of converting `tree` to `kind`: `stages.0.group must be >= 2, got 1`.

    For an unknown key, and for a value that is not one of a fixed set, the most similar known one is suggested.
    """
    what, _, path = str(error).partition(" - at `$")
    where = _INDEX.sub(r".\1", path.removesuffix("`")).removeprefix(".")
    keys = where.split(".") if where else []
    declared = _kind_at(kind, keys, tree)
    if unknown := _UNKNOWN.fullmatch(what):
        return _unknown_key(unknown["key"], where, declared)
    if get_origin(declared) is Literal:
        choices, value = get_args(declared), _value_at(tree, keys)
        if isinstance(value, dict):
            return f"{where} needs a kind: one of {', '.join(choices)}"
        value = str(value)
        return f"{where} = {value!r} is not one of {', '.join(choices)}{did_you_mean(value, choices)}"
    if bound := _RANGE.fullmatch(what):
        return f"{where} must be {bound['range'].removesuffix('.0')}, got {_value_at(tree, keys)}"
    if pattern := _PATTERN.fullmatch(what):
        return f"{where} = {_value_at(tree, keys)!r} does not match the pattern {pattern['pattern']}"
    return f"{where}: {what}" if where else what


def fields_of(kind: Any) -> dict[str, Any]:
    """Key -> type of a settings struct, without the constraints of an `Annotated`; empty for any other type."""
    if not (isinstance(kind, type) and issubclass(kind, Settings)):
        return {}
    declared = {field.name: field.type for field in msgspec.structs.fields(kind)}
    return {key: get_args(kind)[0] if get_origin(kind) is Annotated else kind for key, kind in declared.items()}


def _unknown_key(key: str, where: str, kind: Any) -> str:
    fields = fields_of(kind)
    nested = [] if where else [f"{name}.{inner}" for name, section in fields.items() for inner in fields_of(section)]
    return f"unknown key {f'{where}.{key}' if where else key}{did_you_mean(key, [*fields, *nested])}"


def _kind_at(kind: Any, keys: list[str], tree: Any) -> Any:
    """The declared type at a path of keys; None where there is none.

    Of a union of tables it is the one that `kind` in the tree names, or the choice of all kinds where none is named.
    """
    for number, key in enumerate(keys):
        kind = get_args(kind)[0] if get_origin(kind) is tuple else fields_of(kind).get(key)
        if isinstance(kind, UnionType):
            named = _value_at(tree, keys[: number + 1]).get("kind")
            kinds = {member.__struct_config__.tag: member for member in get_args(kind)}
            if keys[number + 1 :] == ["kind"] or named not in kinds:
                return Literal[tuple(kinds)]
            kind = kinds[named]
    return kind


def _value_at(tree: Any, keys: list[str]) -> Any:
    for key in keys:
        tree = tree[int(key) if isinstance(tree, list) else key]
    return tree
