"""Messages between the two processes of a checked test: one JSON object each, length first, under limits."""

from __future__ import annotations

import socket
from typing import Any

from . import safe_json, values

LENGTH_BYTES = 4
MAX_MESSAGE_BYTES = 64 << 20


def send_message(link: socket.socket, message: dict[str, Any]) -> None:
    """Send one message."""
    data = values.to_bytes(message)
    link.sendall(len(data).to_bytes(LENGTH_BYTES, "big") + data)


def receive_message(link: socket.socket) -> dict[str, Any]:
    """The next message; EOFError when the other side is gone, ValueError when it is not a JSON object."""
    size = int.from_bytes(_exactly(link, LENGTH_BYTES), "big")
    if size > MAX_MESSAGE_BYTES:
        raise ValueError(f"message of {size} bytes")
    message = safe_json.loads(_exactly(link, size), MAX_MESSAGE_BYTES)
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
