"""Which of several servers the next request goes to."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import httpx

from or1_rollout.engines.openai.errors import TryAgainError

FIRST_PAUSE_S: Final = 1.0
"""A server that failed gets no request for this long; twice as long after each further failure."""

MAX_PAUSE_S: Final = 60.0

BROKEN_FROM: Final = 500
"""HTTP status from which an answer says that the server is broken, not that it is busy."""


class ServerSelector(Protocol):
    """Chooses a server for each request."""

    def server(self) -> AbstractAsyncContextManager[str]:
        """A base URL with `/v1`, held while the request is in flight; an error inside is the server's."""


class SingleServer:
    """Always the same server."""

    def __init__(self, base_url: str) -> None:
        """Take its URL with `/v1`."""
        self._base_url = base_url

    @asynccontextmanager
    async def server(self) -> AsyncIterator[str]:
        """See `ServerSelector`."""
        yield self._base_url


@dataclass(slots=True)
class _Load:
    url: str
    in_flight: int = 0
    failures: int = 0
    down_until_s: float = 0.0


class LeastBusyServer:
    """The server with the fewest requests in flight; one that failed is left alone for a while."""

    def __init__(self, base_urls: Sequence[str]) -> None:
        """Take their URLs with `/v1`."""
        self._loads = [_Load(url) for url in base_urls]

    @asynccontextmanager
    async def server(self) -> AsyncIterator[str]:
        """See `ServerSelector`. With all servers down, the one whose pause ends first is asked."""
        load = self._choose()
        load.in_flight += 1
        try:
            yield load.url
            load.failures = 0
        except TryAgainError as error:
            if error.status >= BROKEN_FROM:
                self._leave_alone(load)
            raise
        except httpx.TransportError:
            self._leave_alone(load)
            raise
        finally:
            load.in_flight -= 1

    def _choose(self) -> _Load:
        now_s = time.monotonic()
        up = [load for load in self._loads if load.down_until_s <= now_s]
        if up:
            return min(up, key=lambda load: load.in_flight)
        return min(self._loads, key=lambda load: load.down_until_s)

    def _leave_alone(self, load: _Load) -> None:
        now_s = time.monotonic()
        if load.down_until_s <= now_s:  # of many requests in flight on it, the first one counts
            load.down_until_s = now_s + min(FIRST_PAUSE_S * 2.0**load.failures, MAX_PAUSE_S)
            load.failures += 1
