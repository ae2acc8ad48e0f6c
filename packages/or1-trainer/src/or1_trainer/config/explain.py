"""What a value of the wrong kind should have been, said by the key it has on the command line."""

from __future__ import annotations

import re
from typing import Any, Literal, get_args, get_origin

import msgspec

from or1_trainer.config.base import Settings
from or1_trainer.config.near import did_you_mean

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `\$(?P<place>[^`]*)`)?", re.DOTALL)
_BOUND = re.compile(r"Expected `\w+` [<>]=? .*")
_ITEM = re.compile(r"\[(\d+|\.\.\.)\]")


def explain(error: msgspec.ValidationError, kind: type[Settings], tree: Any) -> str:
    """`stages.0.steps: Expected `int`, got `str``; for a closed choice, its members and the nearest."""
    match = _MESSAGE.fullmatch(str(error))
    assert match is not None
    keys = _ITEM.sub(r".\1", match["place"] or "").removeprefix(".").split(".")
    where = ".".join(keys)
    declared = _kind_at(kind, keys)
    if get_origin(declared) is Literal:
        choices, value = get_args(declared), str(_value_at(tree, keys))
        return f"{where} = {value!r} is not one of {', '.join(choices)}{did_you_mean(value, choices)}"
    if _BOUND.fullmatch(match["what"]):
        return f"{where}: {match['what'].replace('`', '')}, got {_value_at(tree, keys)}"
    return f"{where}: {match['what']}" if where else match["what"]


def _kind_at(kind: Any, keys: list[str]) -> Any:
    """The declared type of a key; None where there is none."""
    for key in keys:
        if get_origin(kind) is tuple:
            kind = get_args(kind)[0]
        elif isinstance(kind, type) and issubclass(kind, Settings):
            kind = {field.name: field.type for field in msgspec.structs.fields(kind)}.get(key)
    return kind


def _value_at(tree: Any, keys: list[str]) -> Any:
    for key in keys:
        tree = tree[int(key) if isinstance(tree, list) else key]
    return tree
