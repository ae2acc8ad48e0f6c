"""Python values as plain JSON and back: the only thing that ever leaves a jail.

Encoding reads the data below a value with the base types' own methods, so that a `str` or `list` subclass with an
odd `__eq__` leaves as the plain text or items it holds; decoding builds plain values only and runs no code of the
sender. Objects travel as (class name, attributes) and come to life only in classes the reader itself knows.

JSON form: {"v": value, "o": [[class, {attribute: value}], ...]}; a value that JSON lacks is {"t": tag, "v": ...}.
"""

from __future__ import annotations

import collections
import decimal
import fractions
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

_FEW_KEYS = 1000
_MAX_EXPONENT = 5000
_MAX_JSON_INT = 10**4000  # int <-> decimal text is limited to 4,300 digits, and quadratic


class Opaque:
    """A value that could not be rebuilt: equal to nothing, not even itself."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return False

    def __hash__(self) -> int:
        return id(self)

    def __repr__(self) -> str:
        return f"<{self.name} object>"


def _as_number(value: Any, kind: type) -> Any:
    """Numbers of other kinds that are equal to plain ones: numpy's, fractions, decimals; None for all else."""
    if kind.__module__ == "numpy":
        plain = value.item() if kind.__name__.startswith(("int", "uint", "float", "bool")) else None
        return plain if type(plain) in (int, bool) else None  # its float64 is a float already
    if kind is fractions.Fraction:
        return {"t": "fraction", "v": [hex(value.numerator), hex(value.denominator)]}
    if kind is decimal.Decimal:
        return {"t": "decimal", "v": str(value)}
    return None


class _Encoder:
    """One message; `known` are the classes that may travel as objects, `keep` makes a handle of everything else."""

    def __init__(self, known: Iterable[str], keep: Callable[[Any], int] | None) -> None:
        self.known = frozenset(known)
        self.keep = keep
        self.indices: dict[int, int] = {}
        self.objects: list[Any] = []

    def encode(self, value: Any) -> Any:  # noqa: C901, PLR0911 - one line per type
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if isinstance(value, int):
            number = int.__index__(value)
            return number if -_MAX_JSON_INT < number < _MAX_JSON_INT else {"t": "int", "v": hex(number)}
        if isinstance(value, float):
            real = float.__float__(value)
            return real if real - real == 0 else {"t": "float", "v": float.__repr__(real)}
        if isinstance(value, str):
            return str.__str__(value)
        if isinstance(value, list):
            return [self.encode(item) for item in list.__iter__(value)]
        if isinstance(value, tuple):
            return {"t": "tuple", "v": [self.encode(item) for item in tuple.__iter__(value)]}
        if isinstance(value, dict):
            return {"t": "dict", "v": [[self.encode(key), self.encode(item)] for key, item in dict.items(value)]}
        if isinstance(value, set | frozenset):
            items = set.__iter__(value) if isinstance(value, set) else frozenset.__iter__(value)
            return {"t": "set" if isinstance(value, set) else "frozenset", "v": [self.encode(item) for item in items]}
        if isinstance(value, bytes | bytearray):
            return {"t": "bytes", "v": bytes.hex(bytes(value))}
        if isinstance(value, complex):
            return {"t": "complex", "v": [repr(value.real), repr(value.imag)]}
        if isinstance(value, range):
            return {"t": "range", "v": [value.start, value.stop, value.step]}
        if isinstance(value, collections.deque):
            return {"t": "deque", "v": [self.encode(item) for item in collections.deque.__iter__(value)]}
        number = _as_number(value, kind)
        return self._object(value, kind.__name__) if number is None else number

    def _object(self, value: Any, name: str) -> Any:
        if name not in self.known:
            return {"t": "handle", "v": self.keep(value) if self.keep else -1, "n": name}
        index = self.indices.get(id(value))
        if index is None:
            index = self.indices[id(value)] = len(self.objects)
            self.objects.append(value)
        return {"t": "object", "v": index}

    def message(self, value: Any) -> dict[str, Any]:
        top = self.encode(value)
        done: list[Any] = []
        while len(done) < len(self.objects):  # a flat list, so that a long linked list does not nest
            item = self.objects[len(done)]
            attributes = {
                str(key): self.encode(entry) for key, entry in object.__getattribute__(item, "__dict__").items()
            }
            done.append([type(item).__name__, attributes])
        return {"v": top, "o": done}


def encode(value: Any, known: Iterable[str] = (), keep: Callable[[Any], int] | None = None) -> dict[str, Any]:
    """`value` as a JSON-able message. RecursionError for a value that contains itself or nests too deeply."""
    return _Encoder(known, keep).message(value)


def to_bytes(message: object) -> bytes:
    """One message as compact ASCII JSON."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


def decode(
    message: Mapping[str, Any],
    classes: Mapping[str, type] | None = None,
    handle: Callable[[int, str], Any] | None = None,
) -> Any:
    """The value of a message. ValueError for anything that `encode` does not write; unknown objects become `Opaque`."""
    try:
        return _Decoder(message, classes or {}, handle).decode(message["v"])
    except (KeyError, TypeError, AttributeError, IndexError, ArithmeticError) as error:
        raise ValueError(f"not an encoded value: {error!r}") from error


def _spread(keys: list[Any]) -> list[Any]:
    """The keys, unless too many share a hash: such a set takes quadratic time to build, and is made for that."""
    if len(keys) > _FEW_KEYS and max(collections.Counter(map(hash, keys)).values()) > _FEW_KEYS:
        raise ValueError("a set or dict of keys with the same hash")
    return keys


def _decimal(text: str) -> decimal.Decimal:
    """A decimal whose comparison with an integer stays cheap."""
    number = decimal.Decimal(text)
    if number.is_finite() and abs(number.adjusted()) > _MAX_EXPONENT:
        raise ValueError("a decimal with a huge exponent")
    return number


class _Decoder:
    def __init__(
        self, message: Mapping[str, Any], classes: Mapping[str, type], handle: Callable[[int, str], Any] | None
    ) -> None:
        self.handle = handle
        rows = list(message["o"])
        self.objects = [object.__new__(classes[row[0]]) if row[0] in classes else Opaque(str(row[0])) for row in rows]
        for item, row in zip(self.objects, rows, strict=True):
            if not isinstance(item, Opaque):
                attributes = {str(name): self.decode(entry) for name, entry in row[1].items()}
                object.__getattribute__(item, "__dict__").update(attributes)

    def decode(self, value: Any) -> Any:  # noqa: C901, PLR0911, PLR0912 - one line per type
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        tag, inner = value["t"], value["v"]
        if tag == "int":
            return int(inner, 16)
        if tag == "float":
            return float(inner)
        if tag == "tuple":
            return tuple(self.decode(item) for item in inner)
        if tag == "dict":
            keys = _spread([self.decode(key) for key, _ in inner])
            return dict(zip(keys, (self.decode(item) for _, item in inner), strict=True))
        if tag in {"set", "frozenset"}:
            return (set if tag == "set" else frozenset)(_spread([self.decode(item) for item in inner]))
        if tag == "fraction":
            return fractions.Fraction(int(inner[0], 16), int(inner[1], 16))
        if tag == "decimal":
            return _decimal(inner)
        if tag == "bytes":
            return bytes.fromhex(inner)
        if tag == "complex":
            return complex(float(inner[0]), float(inner[1]))
        if tag == "range":
            return range(*inner)
        if tag == "deque":
            return collections.deque(self.decode(item) for item in inner)
        if tag == "object":
            return self.objects[inner]
        if tag == "handle":
            return self.handle(int(inner), str(value["n"])) if self.handle else Opaque(str(value["n"]))
        raise ValueError(f"not an encoded value: tag {tag!r}")
