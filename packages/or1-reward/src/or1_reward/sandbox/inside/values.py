"""Python values as plain JSON and back: the only thing that ever leaves a jail.

Encoding reads the data below a value with the base types' own methods, so that a `str` or `list` subclass with an
odd `__eq__` leaves as the plain text or items it holds; decoding builds plain values only and runs no code of the
sender. Objects travel as (class name, attributes) and come to life only in classes the reader itself knows.

JSON form: {"v": value, "o": [[class, {attribute: value}], ...]}; a value that JSON lacks is {"t": tag, "v": ...}.
"""

from __future__ import annotations

import collections
import datetime
import decimal
import fractions
import functools
import importlib
import json
import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

FEW_KEYS = 1000
MAX_EXPONENT = 5000
_MOST_FIELDS = 255
MAX_HEX_DIGITS = 50_000
MAX_INT_HEX_DIGITS = 4 << 20
_MAX_JSON_INT = 10**4000  # int <-> decimal text is limited to 4,300 digits, and quadratic
_MAPPINGS = {"OrderedDict": collections.OrderedDict, "Counter": collections.Counter}
_TIMES = (datetime.datetime, datetime.date, datetime.time, datetime.timedelta, datetime.timezone)
_FUNCTIONS = (
    types.FunctionType, types.MethodType, types.BuiltinFunctionType, functools.partial,
    type(functools.lru_cache(len)), types.MethodWrapperType, types.WrapperDescriptorType,
)  # fmt: skip
_VIEWS = {type({}.keys()): "keys", type({}.values()): "values", type({}.items()): "items"}
_DEFAULTS = (int, float, str, bool, list, dict, set, tuple)


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


def kind_of(value: Any) -> str:
    """What may be done with an object that is no data: call a function, await a coroutine, step an iterator."""
    if isinstance(value, _FUNCTIONS):
        return "function"
    if isinstance(value, types.CoroutineType):
        return "coroutine"
    if isinstance(value, Iterator) and type(value).__module__ in {"builtins", "itertools"}:
        return "iterator"
    if isinstance(value, type):
        return "exception_class" if issubclass(value, BaseException) else "class"
    return "object"


def _as_number(value: Any, kind: type) -> Any:
    """Numbers of other kinds that are equal to plain ones: numpy's, fractions, decimals; None for all else."""
    if kind.__module__ == "numpy":
        return _from_numpy(value, kind.__name__)
    if kind is fractions.Fraction:
        return {"t": "fraction", "v": [hex(value.numerator), hex(value.denominator)]}
    if kind is decimal.Decimal:
        return {"t": "decimal", "v": str(value)}
    return None


def _from_numpy(value: Any, name: str) -> Any:
    if name == "ndarray":
        if value.dtype.kind not in "biufU":
            return None
        return {"t": "ndarray", "d": value.dtype.str, "s": list(value.shape), "v": encode(value.tolist())["v"]}
    if not name.startswith(("int", "uint", "float", "bool", "str")):
        return None
    return encode(value.item())["v"]


def _as_time(value: Any, kind: Any) -> Any:
    """A value of the datetime module."""
    if kind is datetime.timedelta:
        return {"t": "timedelta", "v": [value.days, value.seconds, value.microseconds]}
    if kind is datetime.timezone:
        offset = value.utcoffset(None)
        return {"t": "timezone", "v": offset.total_seconds()}
    return {"t": kind.__name__, "v": kind.isoformat(value)}


class Encoder:
    """One message.

    `known` are the classes of the row that travel as objects. `refer` turns everything else into a reference; it is
    asked first for objects of classes in `live`.
    """

    def __init__(
        self,
        known: Iterable[str] = (),
        refer: Callable[[Any], Any] | None = None,
        is_live: Callable[[Any], bool] | None = None,
    ) -> None:
        self.known = frozenset(known)
        self.refer = refer
        self.is_live = is_live
        self.indices: dict[int, int] = {}
        self.objects: list[Any] = []

    def start_with(self, objects: Iterable[Any]) -> None:
        """Objects that the reader has already, by their places."""
        for value in objects:
            self.indices[id(value)] = len(self.objects)
            self.objects.append(value)

    def encode(self, value: Any) -> Any:  # noqa: C901, PLR0911, PLR0912 - one line per type
        kind = type(value)
        if value is None or kind is bool or kind is str:
            return value
        if self.is_live is not None and kind not in _PLAIN and self.is_live(value):
            assert self.refer is not None
            return self.refer(value)
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
            return self._tuple(value, kind)
        if isinstance(value, dict):
            return self._dict(value)
        if isinstance(value, set | frozenset):
            items = set.__iter__(value) if isinstance(value, set) else frozenset.__iter__(value)
            return {"t": "set" if isinstance(value, set) else "frozenset", "v": [self.encode(item) for item in items]}
        if isinstance(value, bytes | bytearray):
            return {"t": "bytes" if isinstance(value, bytes) else "bytearray", "v": bytes.hex(bytes(value))}
        if isinstance(value, complex):
            return {"t": "complex", "v": [repr(value.real), repr(value.imag)]}
        if isinstance(value, range | slice):
            ends = [self.encode(end) for end in (value.start, value.stop, value.step)]
            return {"t": "range" if isinstance(value, range) else "slice", "v": ends}
        if isinstance(value, collections.deque):
            return {"t": "deque", "v": [self.encode(item) for item in collections.deque.__iter__(value)]}
        if kind in _VIEWS:
            return {"t": _VIEWS[kind], "v": [self.encode(item) for item in value]}
        if kind in _TIMES:
            return _as_time(value, kind)
        number = _as_number(value, kind)
        return self._object(value, kind.__name__) if number is None else number

    def _tuple(self, value: tuple[Any, ...], kind: type) -> Any:
        items = [self.encode(item) for item in tuple.__iter__(value)]
        fields = getattr(kind, "_fields", None) if kind is not tuple else None
        if isinstance(fields, tuple) and all(isinstance(name, str) for name in fields):
            return {"t": "namedtuple", "v": items, "n": kind.__name__, "f": list(fields)}
        return {"t": "tuple", "v": items}

    def _dict(self, value: dict[Any, Any]) -> Any:
        message: dict[str, Any] = {
            "t": "dict",
            "v": [[self.encode(key), self.encode(item)] for key, item in dict.items(value)],
        }
        if type(value).__name__ in _MAPPINGS:
            message["n"] = type(value).__name__
        if isinstance(value, collections.defaultdict):
            message["d"] = self._default(value.default_factory)
        return message

    def _default(self, factory: Any) -> Any:
        """What a defaultdict makes of a missing key, as [value], if it is data."""
        if factory is None or not (factory in _DEFAULTS or isinstance(factory, types.FunctionType)):
            return None
        return [self.encode(factory())]

    def _object(self, value: Any, name: str) -> Any:
        if name not in self.known or not hasattr(value, "__dict__"):
            return {"t": "opaque", "v": name} if self.refer is None else self.refer(value)
        index = self.indices.get(id(value))
        if index is None:
            index = self.indices[id(value)] = len(self.objects)
            self.objects.append(value)
        return {"t": "object", "v": index}

    def message(self, value: Any) -> dict[str, Any]:
        """The value with all objects below it."""
        top = self.encode(value)
        done: list[Any] = []
        while len(done) < len(self.objects):  # a flat list, so that a long linked list does not nest
            item = self.objects[len(done)]
            attributes = {
                str(key): self.encode(entry) for key, entry in object.__getattribute__(item, "__dict__").items()
            }
            done.append([type(item).__name__, attributes])
        return {"v": top, "o": done}


_PLAIN = frozenset({int, float, list, tuple, dict, set, frozenset, bytes, bytearray, complex, range})


def encode(value: Any, known: Iterable[str] = ()) -> dict[str, Any]:
    """`value` as a JSON-able message. RecursionError for a value that contains itself or nests too deeply."""
    return Encoder(known).message(value)


def to_bytes(message: object) -> bytes:
    """One message as compact ASCII JSON."""
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


def decode(
    message: Any,
    classes: Mapping[str, type] | None = None,
    reference: Callable[[Mapping[str, Any]], Any] | None = None,
    existing: Iterable[Any] = (),
    arrays: Callable[[str, list[int], list[Any]], Any] | None = None,
) -> Any:
    """The value of a message. ValueError for anything that `encode` does not write; unknown objects become `Opaque`.

    Args:
        message: what `Encoder.message` made.
        classes: by name, the classes that objects come to life in.
        reference: what to make of a reference.
        existing: objects of the reader that the first objects of the message are; their attributes are replaced.
        arrays: makes a numpy array of (dtype, shape, nested lists); without it arrays are lists.
    """
    return decode_with_objects(message, classes, reference, existing, arrays)[0]


def decode_with_objects(
    message: Any,
    classes: Mapping[str, type] | None = None,
    reference: Callable[[Mapping[str, Any]], Any] | None = None,
    existing: Iterable[Any] = (),
    arrays: Callable[[str, list[int], list[Any]], Any] | None = None,
) -> tuple[Any, list[Any]]:
    """As `decode`, with the objects of the message in their order."""
    try:
        decoder = _Decoder(message, classes or {}, reference, list(existing), arrays)
        return decoder.decode(message["v"]), decoder.objects
    except (KeyError, TypeError, AttributeError, IndexError, ArithmeticError, RecursionError) as error:
        raise ValueError(f"not an encoded value: {type(error).__name__}") from error


def array_of(dtype: str, shape: list[int], items: list[Any]) -> Any:
    """A numpy array, where there is numpy; otherwise nested lists."""
    try:
        numpy: Any = importlib.import_module("numpy")
    except ImportError:
        return items
    return numpy.array(items, dtype=numpy.dtype(dtype)).reshape(shape)


def _spread(keys: list[Any]) -> list[Any]:
    """The keys, unless too many share a hash: such a set takes quadratic time to build, and is made for that."""
    if len(keys) > FEW_KEYS and max(collections.Counter(map(hash, keys)).values()) > FEW_KEYS:
        raise ValueError("a set or dict of keys with the same hash")
    return keys


def _decimal(text: str) -> Any:
    """A decimal whose comparison with an integer stays cheap; a signaling NaN, which cannot be compared, is opaque."""
    number = decimal.Decimal(text)
    if number.is_snan():
        return Opaque("Decimal")
    if number.is_finite() and abs(number.adjusted()) > MAX_EXPONENT:
        raise ValueError("a decimal with a huge exponent")
    return number


def _hex(text: str, most: int) -> int:
    """An integer of so many hexadecimal digits at most: fractions are reduced, which takes quadratic time."""
    if len(text) > most:
        raise ValueError(f"an integer of {len(text)} hexadecimal digits")
    return int(text, 16)


def _timezone(seconds: float) -> datetime.timezone:
    return datetime.timezone(datetime.timedelta(seconds=float(seconds)))


@functools.lru_cache(64)
def _named_tuple(name: str, fields: tuple[str, ...]) -> Any:
    if len(fields) > _MOST_FIELDS:
        raise ValueError(f"a named tuple of {len(fields)} fields")
    return collections.namedtuple(name if name.isidentifier() else "namedtuple", fields, rename=True)


_SIMPLE: dict[str, Callable[[Any], Any]] = {
    "int": lambda inner: _hex(inner, MAX_INT_HEX_DIGITS),
    "float": float,
    "fraction": lambda inner: fractions.Fraction(_hex(inner[0], MAX_HEX_DIGITS), _hex(inner[1], MAX_HEX_DIGITS)),
    "decimal": _decimal,
    "bytes": bytes.fromhex,
    "bytearray": bytearray.fromhex,
    "complex": lambda inner: complex(float(inner[0]), float(inner[1])),
    "timedelta": lambda inner: datetime.timedelta(*inner),
    "timezone": _timezone,
    "date": datetime.date.fromisoformat,
    "datetime": datetime.datetime.fromisoformat,
    "time": datetime.time.fromisoformat,
    "opaque": lambda inner: Opaque(str(inner)),
}


class _Decoder:
    def __init__(
        self,
        message: Any,
        classes: Mapping[str, type],
        reference: Callable[[Mapping[str, Any]], Any] | None,
        existing: list[Any],
        arrays: Callable[[str, list[int], list[Any]], Any] | None,
    ) -> None:
        self.reference = reference
        self.arrays = arrays
        rows = list(message["o"])
        self.objects = existing[: len(rows)]
        for name, _ in rows[len(existing) :]:
            self.objects.append(object.__new__(classes[name]) if name in classes else Opaque(str(name)))
        filled = [
            {str(name): self.decode(entry) for name, entry in attributes.items()}
            if type(item).__name__ == class_name
            else None
            for item, (class_name, attributes) in zip(self.objects, rows, strict=True)
        ]
        for item, attributes in zip(self.objects, filled, strict=True):
            if attributes is not None and not isinstance(item, Opaque):
                state = object.__getattribute__(item, "__dict__")
                state.clear()
                state.update(attributes)

    def decode(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.decode(item) for item in value]
        if not isinstance(value, dict):
            return value
        tag = value["t"]
        if tag == "reference":
            return self.reference(value) if self.reference else Opaque(str(value.get("n")))
        inner = value["v"]
        if tag in _SIMPLE:
            return _SIMPLE[tag](inner)
        if tag == "dict":
            return self._dict(value, inner)
        if tag == "object":
            return self.objects[inner] if inner >= 0 else Opaque("object")
        if tag == "ndarray":
            items = self.decode(inner)
            return self.arrays(str(value["d"]), list(value["s"]), items) if self.arrays else items
        return self._collection(tag, value, [self.decode(item) for item in inner])

    def _collection(self, tag: str, value: Mapping[str, Any], items: list[Any]) -> Any:
        if tag == "tuple":
            return tuple(items)
        if tag in {"set", "frozenset"}:
            return (set if tag == "set" else frozenset)(_spread(items))
        if tag == "namedtuple":
            return _named_tuple(str(value["n"]), tuple(map(str, value["f"])))(*items)
        if tag in {"range", "slice"}:
            return range(*items) if tag == "range" else slice(*items)
        if tag == "deque":
            return collections.deque(items)
        if tag == "keys":
            return dict.fromkeys(_spread(items)).keys()
        if tag == "values":
            return dict(enumerate(items)).values()
        if tag == "items":
            _spread([key for key, _ in items])
            return dict(items).items()
        raise ValueError(f"not an encoded value: tag {tag!r}")

    def _dict(self, value: Mapping[str, Any], inner: Any) -> Any:
        keys = _spread([self.decode(key) for key, _ in inner])
        plain = dict(zip(keys, (self.decode(item) for _, item in inner), strict=True))
        default = value.get("d")
        if default:
            encoded = default[0]
            return collections.defaultdict(lambda: self.decode(encoded), plain)
        made: Any = _MAPPINGS.get(str(value.get("n")), dict)
        return made(plain)
