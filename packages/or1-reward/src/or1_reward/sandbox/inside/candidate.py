"""The candidate's side of a checked test: the program, and a loop that does what the judge's process asks.

The judge is another process in another jail and holds the expectations; here only names are looked up, calls made and
operators applied. Values leave as plain data; anything else stays here and is known to the judge by a number.
"""

from __future__ import annotations

import builtins
import os
import socket
import sys
import types
from typing import Any, NoReturn

from . import runner, values
from .channel import receive_message, send_message
from .operations import OPERATIONS
from .program import Program

_ITEMS = 1_000_000
_MESSAGE_CHARACTERS = 500
_STDOUT_FD = 1


class Foreign:
    """An object of the check that the program may hold and hand back, and nothing else."""

    def __init__(self, number: int) -> None:
        self.number = number


class Session:
    """The names of the program, and the objects that the judge knows by number.

    `known` are the classes of the row, whose objects travel as data; `live` are the classes that the checks name.
    """

    def __init__(self, link: socket.socket, names: dict[str, Any], spec: dict[str, Any]) -> None:
        self.link = link
        self.names = names
        self.known: list[str] = spec["known"]
        self.live = frozenset(spec["live"])
        self.captures: bool = spec["captures"]
        self.kept: list[Any] = []
        self.numbers: dict[int, int] = {}
        self.foreign: dict[int, Any] = {}
        self.printed = 0

    def serve(self) -> None:
        """Answer orders until the judge hangs up."""
        while True:
            try:
                order = receive_message(self.link)
            except EOFError:
                return
            self._send(self.answer(order))

    def _send(self, message: dict[str, Any]) -> None:
        if self.captures:
            message["printed"] = self._newly_printed()
        send_message(self.link, message)

    def _newly_printed(self) -> str:
        sys.stdout.flush()
        data = os.pread(_STDOUT_FD, 1 << 20, self.printed)
        self.printed += len(data)
        return data.decode("utf-8", "replace")

    def answer(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do one thing that the judge asks; an exception of the program is an answer too."""
        try:
            return self._do(order)
        except (Exception, SystemExit) as error:
            return {"error": self._error(error)}

    def _do(self, order: dict[str, Any]) -> dict[str, Any]:
        asked = order["do"]
        if asked == "name":
            return {"missing": True} if order["name"] not in self.names else self._value(self.names[order["name"]])
        if asked == "evaluate":
            return self._value(eval(order["expression"], self.names))
        if asked == "operate":
            return self._value(OPERATIONS[order["name"]](*self.decode(order["operands"])))
        target = self.kept[order["target"]]
        if asked == "attribute":
            return self._value(getattr(target, order["name"]))
        if asked == "items":
            return self._value([item for item, _ in zip(target, range(_ITEMS), strict=False)])
        if asked == "next":
            try:
                return self._value(next(target))
            except StopIteration:
                return {"stopped": True}
        if asked == "await":
            import asyncio

            return self._value(asyncio.run(target))
        return self._call(target, order["arguments"])

    def _value(self, value: Any) -> dict[str, Any]:
        return {"value": self._encoder().message(value)}

    def _encoder(self) -> values.Encoder:
        return values.Encoder(self.known, self.refer, self.is_live)

    def _call(self, target: Any, message: dict[str, Any]) -> dict[str, Any]:
        """Call; send back arguments that the program has changed in place, and which of them it returned."""
        (positional, named), objects = values.decode_with_objects(
            message, self._classes(), self.resolve, arrays=values.array_of
        )
        result = target(*positional, **named)
        place = next((place for place, item in enumerate(positional) if item is result), None)
        encoder = self._encoder()
        encoder.start_with(objects)
        is_argument = place is not None and type(result) in (list, dict, set)
        answer = encoder.message([None if is_argument else result, positional, named])
        if answer["v"][1:] == message["v"]:
            del answer["v"][1:]
        return {"value": answer, "returned": place if is_argument else None}

    def decode(self, message: dict[str, Any]) -> Any:
        """A value from the judge."""
        return values.decode(message, self._classes(), self.resolve, arrays=values.array_of)

    def _classes(self) -> dict[str, type]:
        """The row's own classes as this program sees them."""
        return {name: found for name in self.known if isinstance(found := self.names.get(name), type)}

    def resolve(self, reference: Any) -> Any:
        """What the judge refers to: an object of the program, a function or object of the check, a builtin."""
        kind = reference["k"]
        if kind == "program":
            return self.kept[reference["v"]]
        if kind == "builtin":
            return getattr(builtins, reference["n"])
        number = reference["v"]
        if number not in self.foreign:
            self.foreign[number] = self._callback(number) if kind == "function" else Foreign(number)
        return self.foreign[number]

    def _callback(self, number: int) -> Any:
        """A function of the check, as a function of this process."""

        def call(*positional: Any, **named: Any) -> Any:
            self._send({"callback": number, "arguments": self._encoder().message([positional, named])})
            while True:
                message = receive_message(self.link)
                if "do" not in message:
                    break
                self._send(self.answer(message))
            if "failed" in message:
                raise RuntimeError(message["failed"])
            return self.decode(message["result"])

        call.__or1_number__ = number  # type: ignore[attr-defined]
        return call

    def refer(self, value: Any) -> dict[str, Any]:
        """A reference for what is no data."""
        if isinstance(value, Foreign):
            return {"t": "reference", "k": "judge", "v": value.number}
        callback = getattr(value, "__or1_number__", None) if isinstance(value, types.FunctionType) else None
        if callback is not None:
            return {"t": "reference", "k": "judge", "v": callback}
        name = str(getattr(value, "__name__", ""))
        if isinstance(value, type) and getattr(builtins, name, None) is value:
            return {"t": "reference", "k": "builtin", "n": name}
        kind = values.kind_of(value)
        reference = {"t": "reference", "k": kind, "v": self.keep(value), "n": type(value).__name__}
        if kind in {"class", "exception_class"}:
            reference["n"] = name
            reference["b"] = self._line(value)
        if kind == "object":
            reference["live"] = self.is_live(value)
            reference["data"] = values.encode(_plain(value)) if isinstance(value, _DATA) else None
        return reference

    def keep(self, value: Any) -> int:
        """Hold on to an object; its number, the same each time."""
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = len(self.kept)
            self.kept.append(value)
        return number

    def is_live(self, value: Any) -> bool:
        """Whether the checks name the class of an object, or one that it derives from."""
        return any(base.__name__ in self.live and base.__module__ == "solution" for base in type(value).__mro__)

    def _line(self, class_: type) -> list[list[Any]]:
        """A class and those it derives from: name, module, number."""
        return [[base.__name__, base.__module__, self.keep(base)] for base in class_.__mro__[:-1]]

    def _error(self, error: BaseException) -> dict[str, Any]:
        try:
            arguments = self._encoder().message(list(error.args))
        except (Exception, SystemExit):
            arguments = values.encode([])
        try:
            text = str(error)[:_MESSAGE_CHARACTERS]
        except (Exception, SystemExit):
            text = ""
        return {"line": self._line(type(error)), "arguments": arguments, "text": text, "target": self.keep(error)}


_DATA = (int, float, str, list, tuple, dict, set, frozenset, bytes)


def _plain(value: Any) -> Any:
    """The data of an object whose class derives from a type of data."""
    kinds: tuple[Any, ...] = (str, list, dict, set, frozenset, bytes)
    for kind in kinds:
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, tuple):
        return tuple(tuple.__iter__(value))
    return int.__index__(value) if isinstance(value, int) else float.__float__(value)


def run(program: Program, spec: dict[str, Any]) -> NoReturn:
    """Load the program, then serve the judge until it hangs up."""

    def step() -> None:
        link = socket.socket(fileno=runner.SESSION_FD)
        session = Session(link, runner.load(program, spec), spec)
        send_message(link, {"ready": True})
        session.serve()

    runner.run_guarded(step, runner.leave_at_once)
