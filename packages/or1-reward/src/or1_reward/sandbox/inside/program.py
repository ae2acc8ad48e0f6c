"""A program as its tests get it: compiled once, by the first of them."""

from __future__ import annotations

import marshal
import os
import types
import zlib

_CHECKSUM_BYTES = 4


class Program:
    """A program's text and its code: compiled by the first test, read from a cache file by the next.

    The cache is written before a line of the program has run and closed by then, so no program can change it.
    """

    def __init__(self, source: bytes, cache: int) -> None:
        self.source = source
        self.error: BaseException | None = None
        try:
            self._code = self._cached(cache) or self._compile_into(cache)
        except SyntaxError as error:
            error.filename = "<solution>"  # None for null bytes
            self.error = error
        except (ValueError, RecursionError, OverflowError) as error:  # nesting without end
            self.error = SyntaxError(str(error), ("<solution>", 0, 0, ""))
        except MemoryError as error:
            self.error = error

    def code(self) -> types.CodeType:
        """The code. Raises what compiling raised."""
        if self.error is not None:
            raise self.error
        return self._code

    def _cached(self, cache: int) -> types.CodeType | None:
        stored = read_all(cache)
        data = stored[_CHECKSUM_BYTES:]
        if not data or stored[:_CHECKSUM_BYTES] != _checksum(self.source, data):
            return None  # nothing there, or a test was killed while writing it
        code: types.CodeType = marshal.loads(data)
        return code

    def _compile_into(self, cache: int) -> types.CodeType:
        code = compile(self.source, "<solution>", "exec", dont_inherit=True)
        data = marshal.dumps(code)
        if os.fstat(cache).st_size == 0:
            os.write(cache, _checksum(self.source, data) + data)
        return code


def _checksum(source: bytes, data: bytes) -> bytes:
    return zlib.crc32(data, zlib.crc32(source)).to_bytes(_CHECKSUM_BYTES, "big")


def read_all(fd: int) -> bytes:
    """The whole of a memory file, whatever its offset."""
    return os.pread(fd, os.fstat(fd).st_size, 0)
