"""Parse JSON that a hostile program may have written: limits of size, depth and digits, in linear time.

Python's parser recurses for every level of nesting, which ends the process where the recursion limit is high, and
takes quadratic time for long decimal integers.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

MAX_DEPTH: Final = 200
MAX_DIGITS: Final = 4300
_TOKENS: Final = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[\]{}"]', re.DOTALL)
_DIGITS: Final = re.compile(rb"\d+")


def loads(data: bytes, max_bytes: int) -> Any:
    """The value of a JSON text. ValueError for anything that is no JSON, or over a limit."""
    if len(data) > max_bytes:
        raise ValueError(f"{len(data)} bytes where at most {max_bytes} are taken")
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        _check_depth(data)
    if _has_long_number(data) and _has_long_number(_TOKENS.sub(b" ", data)):
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
    try:
        return json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _has_long_number(data: bytes) -> bool:
    return len(data) > MAX_DIGITS and any(len(run) > MAX_DIGITS for run in _DIGITS.findall(data))


def _check_depth(data: bytes) -> None:
    depth = 0
    for match in _TOKENS.finditer(data):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
            if depth > MAX_DEPTH:
                raise ValueError(f"nested more than {MAX_DEPTH} deep")
        elif token in (b"]", b"}"):
            depth -= 1
        elif token == b'"':
            raise ValueError("a string without an end")
