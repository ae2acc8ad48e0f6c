"""The candidate's side of a harness test: the program, and a loop that does what the judge's process asks.

The judge is another process in another jail and holds the expectations; here only names are looked up and calls are
made. Values leave as plain data; anything else stays here and is known to the judge by a number.
"""

from __future__ import annotations

import builtins
import json
import socket
from typing import Any, NoReturn

from . import runner, values
from .program import Program

LENGTH_BYTES = 4
MAX_MESSAGE_BYTES = 64 << 20
_ITEMS = 1_000_000


def send_message(link: socket.socket, message: dict[str, Any]) -> None:
    """One length-prefixed JSON message."""
    data = values.to_bytes(message)
    link.sendall(len(data).to_bytes(LENGTH_BYTES, "big") + data)


def receive_message(link: socket.socket) -> dict[str, Any]:
    """The next message; EOFError when the other side is gone, ValueError when it is not a JSON object."""
    size = int.from_bytes(_exactly(link, LENGTH_BYTES), "big")
    if size > MAX_MESSAGE_BYTES:
        raise ValueError(f"message of {size} bytes")
    message = json.loads(_exactly(link, size))
    if not isinstance(message, dict):
        raise ValueError("message is not an object")
    return message


def _exactly(link: socket.socket, size: int) -> bytes:
    parts = []
    while size:
        part = link.recv(min(size, 1 << 20))
        if not part:
            raise EOFError("the other process is gone")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


class Session:
    """The names of the program, and the objects that the judge knows by number."""

    def __init__(self, names: dict[str, Any], known: list[str]) -> None:
        self.names = names
        self.known = known
        self.kept: list[Any] = []

    def keep(self, value: Any) -> int:
        """Hold on to an object; its number."""
        self.kept.append(value)
        return len(self.kept) - 1

    def classes(self) -> dict[str, type]:
        """The row's own classes as this program sees them."""
        return {name: found for name in self.known if isinstance(found := self.names.get(name), type)}

    def encode(self, value: Any) -> dict[str, Any]:
        """A value for the judge."""
        return values.encode(value, self.known, self.keep)

    def decode(self, message: dict[str, Any]) -> Any:
        """A value from the judge."""
        return values.decode(message, self.classes(), lambda number, _: self.kept[number])

    def answer(self, order: dict[str, Any]) -> dict[str, Any]:
        """Do one thing that the judge asks; an exception of the program is an answer too."""
        try:
            return self._do(order)
        except Exception as error:
            return {"error": type(error).__name__, "message": str(error)[:500]}

    def _do(self, order: dict[str, Any]) -> dict[str, Any]:
        asked = order["do"]
        if asked == "name":
            found = self.names.get(order["name"], vars(builtins).get(order["name"], self))
            return {"missing": True} if found is self else {"value": self.encode(found)}
        if asked == "evaluate":
            return {"value": self.encode(eval(order["expression"], self.names))}
        target = self.kept[order["target"]]
        if asked == "attribute":
            return {"value": self.encode(getattr(target, order["name"]))}
        if asked == "items":
            return {"value": self.encode([item for item, _ in zip(target, range(_ITEMS), strict=False)])}
        if asked == "length":
            return {"value": self.encode(len(target))}
        if asked == "truth":
            return {"value": self.encode(bool(target))}
        if asked == "text":
            return {"value": self.encode(str(target))}
        if asked == "item":
            return {"value": self.encode(target[self.decode(order["key"])])}
        return self._call(target, self.decode(order["arguments"]))

    def _call(self, target: Any, arguments: Any) -> dict[str, Any]:
        """Call; also send back arguments that the program has changed in place."""
        positional, named = arguments
        before = values.to_bytes(self.encode(arguments))
        value = self.encode(target(*positional, **named))
        after = self.encode(arguments)
        changed = {} if values.to_bytes(after) == before else {"arguments": after}
        return {"value": value, **changed}


def run(program: Program, spec: dict[str, Any]) -> NoReturn:
    """Load the program, then serve the judge until it hangs up."""

    def step() -> None:
        link = socket.socket(fileno=runner.SESSION_FD)
        session = Session(runner.load(program, spec), spec["known"])
        send_message(link, {"ready": True})
        while True:
            try:
                order = receive_message(link)
            except EOFError:
                return
            send_message(link, session.answer(order))

    runner.run_guarded(step, runner.leave_at_once)
