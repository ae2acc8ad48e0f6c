"""Which of several servers the next request goes to: the least busy one that is not down."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Final, Protocol

import httpx

from or1_rollout.engines.openai.errors import TryAgainError
from or1_rollout.engines.openai.settings import base_url
from or1_rollout.errors import EndpointError

FIRST_PAUSE_S: Final = 1.0
"""A server that failed is left alone for this long; twice as long after each further failure."""

MAX_PAUSE_S: Final = 60.0


class ServerSelector(Protocol):
    """Chooses a server for each request."""

    def server(self) -> AbstractAsyncContextManager[str]:
        """A base URL with `/v1`, held while the request is in flight; an error inside is the server's."""


@dataclass(slots=True)
class Server:
    """One of several servers of a model."""

    url: str
    in_flight: int = 0
    is_down: bool = False
    retry_at_s: float = 0.0
    """Of the monotonic clock: a server that is down is left alone until then."""
    failures: int = 0
    """Since it last answered well."""
    times_down: int = 0

    @property
    def pause_s(self) -> float:
        """How long it is left alone."""
        return min(FIRST_PAUSE_S * 2.0 ** max(self.failures - 1, 0), MAX_PAUSE_S)


class LeastBusyServer:
    """The server with the fewest requests in flight; one that failed is left alone for a while."""

    def __init__(
        self, urls: Sequence[str], *, is_ready: Callable[[str], bool] | None = None, patience_s: float = 600.0
    ) -> None:
        """`is_ready(url)` decides whether a server that was down is used again; without it, the next request does.

        With all servers down, the one whose pause ends first is asked; with `is_ready`, requests wait `patience_s` for
        one that is ready, then fail with `EndpointError`.
        """
        self.servers = [Server(url) for url in urls]
        self._is_ready, self._patience_s = is_ready, patience_s

    def up(self) -> list[Server]:
        """Servers not known to be down."""
        return [server for server in self.servers if not server.is_down]

    def mark_down(self, url: str) -> None:
        """Leave a server alone for a while."""
        server = next(server for server in self.servers if server.url == url)
        if not server.is_down:  # of many requests that were in flight on it, the first one counts
            server.is_down = True
            server.failures += 1
            server.times_down += 1
            server.retry_at_s = time.monotonic() + server.pause_s

    @asynccontextmanager
    async def server(self) -> AsyncIterator[str]:
        """See `ServerSelector`: a broken connection or a 5xx marks the server as down.

        Without the second, a server that fails fast is always the least busy one and would swallow every request.
        """
        server = await self._least_busy()
        server.in_flight += 1
        try:
            yield base_url(server.url)
            server.failures = 0
        except TryAgainError as error:
            if error.status >= httpx.codes.INTERNAL_SERVER_ERROR:  # below it is busy, not broken
                self.mark_down(server.url)
            raise
        except httpx.TransportError:
            self.mark_down(server.url)
            raise
        finally:
            server.in_flight -= 1

    async def _least_busy(self) -> Server:
        deadline_s = time.monotonic() + self._patience_s
        while True:
            await self._look_again()
            if up := self.up():
                return min(up, key=lambda server: server.in_flight)
            if self._is_ready is None:
                return min(self.servers, key=lambda server: server.retry_at_s)
            if time.monotonic() > deadline_s:
                urls = ", ".join(server.url for server in self.servers)
                raise EndpointError(f"no server was up and ready for {self._patience_s:g} s: {urls}")
            await asyncio.sleep(FIRST_PAUSE_S / 4)

    async def _look_again(self) -> None:
        for server in self.servers:
            if server.is_down and time.monotonic() >= server.retry_at_s:
                server.retry_at_s = time.monotonic() + server.pause_s
                ready = self._is_ready is None or await asyncio.to_thread(self._is_ready, server.url)
                server.is_down = not ready
