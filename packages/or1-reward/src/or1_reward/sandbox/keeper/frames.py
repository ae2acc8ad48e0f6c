"""Frames between the grading process and a keeper: a JSON header and raw bytes, length first, over a stream socket."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Sequence
from typing import Any

_LENGTH = struct.Struct("!I")
_SMALL_BYTES = 65_536


def send_frame(link: socket.socket, header: dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
    """Send one frame; blocks while the other side is slow."""
    head = json.dumps(header | {"sizes": [len(blob) for blob in blobs]}).encode()
    link.sendall(b"".join((_LENGTH.pack(len(head)), head, *blobs)))


def receive_frame(link: socket.socket) -> tuple[dict[str, Any], list[bytes]]:
    """Receive one frame; EOFError when the other side has hung up."""
    head: dict[str, Any] = json.loads(_exactly(link, _LENGTH.unpack(_exactly(link, _LENGTH.size))[0]))
    return head, [_exactly(link, size) for size in head.pop("sizes")]


def _exactly(link: socket.socket, size: int) -> bytes:
    first = link.recv(size) if 0 < size <= _SMALL_BYTES else b""
    if len(first) == size:
        return first
    data = bytearray(size)
    data[: len(first)] = first
    view = memoryview(data)
    done = len(first)
    while done < size:
        got = link.recv_into(view[done:])
        if not got:
            raise EOFError("the other side hung up")
        done += got
    return bytes(data)
