"""Settings -> reference pages: key, type and range, default, meaning, read from the classes that the programs use."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
import types
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One line of the reference."""

    key: str
    kind: str
    """Type, with its range or choices."""
    default: str
    text: str


def settings_page(title: str, intro: str, sections: list[tuple[str, type]]) -> str:
    """A page with a table for each (heading, class), and below it one for each table nested in it."""
    parts = [f"# {title}\n\n{intro}\n"]
    for heading, kind in sections:
        parts += [_table(name, inner) for name, inner in nested(heading, kind)]
    return "\n".join(parts)


def nested(heading: str, kind: type) -> Iterator[tuple[str, type]]:
    """The class itself, then those of its fields that are tables, each with its dotted name."""
    yield heading, kind
    for name, declared in _fields(kind).items():
        for inner, mark in _tables(declared[0]):
            tag = getattr(inner, "__struct_config__", None)
            label = f"{tag.tag}" if mark and tag and tag.tag else ""
            place = f"[[{name}]]" if mark else name
            yield from nested(f"{heading}.{place}".removeprefix(".") + (f" kind {label}" if label else ""), inner)


def settings_of(kind: type) -> list[Setting]:
    """The plain settings of a class, in the order of their declaration."""
    texts = _texts(kind)
    return [
        Setting(key=name, kind=describe(declared), default=default, text=texts.get(name, ""))
        for name, (declared, default) in _fields(kind).items()
        if not _tables(declared)
    ]


def _table(heading: str, kind: type) -> str:
    source = Path(inspect.getsourcefile(kind) or "").relative_to(ROOT / "packages")
    about = _about(kind)
    rows = [f"| `{s.key}` | {s.kind} | {s.default} | {_cell(s.text)} |" for s in settings_of(kind)]
    table = ["| setting | type and range | default | |", "|---|---|---|---|", *rows] if rows else []
    title = f"`{heading}`" if heading else "Top level"
    return "\n".join([f"## {title}\n", about, "", *table, "", f"Declared in `packages/{source.as_posix()}`.\n"])


def _fields(kind: type) -> dict[str, tuple[Any, str]]:
    """Key -> declared type and default as shown."""
    if issubclass(kind, msgspec.Struct):
        fields = msgspec.structs.fields(kind)
        return {field.encode_name: (field.type, _default(field.default, field.default_factory)) for field in fields}
    hints = get_type_hints(kind, include_extras=True)
    missing = dataclasses.MISSING
    return {
        field.name: (
            hints[field.name],
            _default(
                msgspec.NODEFAULT if field.default is missing else field.default,
                msgspec.NODEFAULT if field.default_factory is missing else field.default_factory,
            ),
        )
        for field in dataclasses.fields(kind)
    }


def _default(value: Any, factory: Any) -> str:
    if factory is not msgspec.NODEFAULT:
        value = factory()
    if value is msgspec.NODEFAULT:
        return "required"
    if dataclasses.is_dataclass(value):
        return f"`{type(value).__name__}()`"
    return f"`{_literal(value)}`".replace("|", r"\|")


def _literal(value: Any) -> str:
    """A value as TOML writes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_literal, value))}]"
    return str(value)


def _tables(declared: Any) -> list[tuple[type, bool]]:
    """Classes of settings below a type, each with whether it is one of a list; empty for a plain value."""
    if get_origin(declared) is Annotated:
        return _tables(get_args(declared)[0])
    if get_origin(declared) is tuple:
        return [(inner, True) for inner, _ in _tables(get_args(declared)[0])]
    if get_origin(declared) in (types.UnionType, Union):
        return [found for member in get_args(declared) for found in _tables(member)]
    return [(declared, False)] if isinstance(declared, type) and issubclass(declared, msgspec.Struct) else []


def describe(declared: Any) -> str:
    """A type with its range: `float > 0`, one of some words, a list of texts."""
    origin, given = get_origin(declared), get_args(declared)
    if origin is Annotated:
        return f"{describe(given[0])}{_range(given[1])}"
    if origin is Literal:
        return "one of " + ", ".join(f"`{_literal(choice)}`" for choice in given)
    if origin is tuple:
        return f"list of {describe(given[0])}"
    if origin in (types.UnionType, Union):
        return " or ".join(describe(member) for member in given)
    if origin is list:
        return f"list of {describe(given[0])}"
    if origin is not None:
        return f"table of {describe(given[1])}" if len(given) == 2 else "table"
    name = getattr(declared, "__name__", "any")
    return {"str": "text", "NoneType": "none"}.get(name, name)


def _range(meta: Any) -> str:
    if not isinstance(meta, msgspec.Meta):
        return ""
    bounds = [(">", meta.gt), ("≥", meta.ge), ("<", meta.lt), ("≤", meta.le)]
    parts = [f"{sign} {bound:g}" for sign, bound in bounds if bound is not None]
    if meta.pattern:
        parts.append(f"matching `{meta.pattern}`".replace("|", r"\|"))
    if meta.min_length:
        parts.append(f"of at least {meta.min_length}")
    return (" " if parts else "") + ", ".join(parts)


@cache
def _texts(kind: type) -> dict[str, str]:
    """Field -> the string below it in the source of the class or of a class that it inherits from."""
    found: dict[str, str] = {}
    for owner in reversed(kind.__mro__):
        if owner.__module__.startswith("or1_"):
            found |= _attributes(owner) | _strings_below(owner)
    return found


def _strings_below(kind: type) -> dict[str, str]:
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for field, after in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(after, ast.Expr):
            found[field.target.id] = ast.literal_eval(after.value)
    return found


def _attributes(kind: type) -> dict[str, str]:
    """The lines of an `Attributes:` section of the docstring."""
    section = (inspect.getdoc(kind) or "").partition("Attributes:\n")[2]
    return dict(re.findall(r"^ {4}(\w+): (.*(?:\n {8}.*)*)", section, flags=re.MULTILINE))


def _about(kind: type) -> str:
    return (inspect.getdoc(kind) or "").partition("Attributes:\n")[0].strip().replace("<", "&lt;")


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")
