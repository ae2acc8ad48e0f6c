"""Several servers as one: each request to the least busy, none to one that is down, and back when it is up again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from or1_rollout.engines.openai.errors import TryAgainError
from or1_rollout.errors import EndpointError

PAUSE_S = 1.0
"""A server that failed is asked again for its health after this long; twice as long after each further failure."""

LONGEST_PAUSE_S = 60.0

BROKEN_FROM = 500
"""HTTP status from which an answer says that the server is broken, not that it is busy."""


@dataclass(slots=True)
class Server:
    """One `vllm serve` process."""

    url: str
    in_flight: int = 0
    is_down: bool = False
    asked_at: float = 0.0
    failures: int = 0
    """Since it last answered well."""
    starts: int = 0
    """How often it was taken out."""

    @property
    def pause_s(self) -> float:
        """How long it is left alone."""
        return min(PAUSE_S * 2.0 ** max(self.failures - 1, 0), LONGEST_PAUSE_S)


class Pool:
    """Fits `or1_rollout.engines.openai.ServerSelector`."""

    def __init__(self, urls: Sequence[str], is_current: Callable[[str], bool], *, patience_s: float = 600.0) -> None:
        """`is_current(url)` says whether a server is up with the weights of now.

        With no server up, requests wait `patience_s` for one, then fail with `EndpointError`.
        """
        self.servers = [Server(url.rstrip("/").removesuffix("/v1")) for url in urls]
        self._is_current, self._patience_s = is_current, patience_s

    def up(self) -> list[Server]:
        """Servers not known to be down."""
        return [server for server in self.servers if not server.is_down]

    def mark_down(self, url: str) -> None:
        """Leave a server out until `is_current` says otherwise."""
        server = next(server for server in self.servers if server.url == url)
        if not server.is_down:  # of many requests that were in flight on it, the first one counts
            server.is_down, server.asked_at = True, time.monotonic()
            server.failures += 1
            server.starts += 1

    @asynccontextmanager
    async def server(self) -> AsyncIterator[str]:
        """See `ServerSelector`: a broken connection or a 5xx marks the server as down; the request is tried on another.

        Without the second, a server that fails fast is always the least busy one and would swallow every request.
        """
        server = await self._least_busy()
        server.in_flight += 1
        try:
            yield f"{server.url}/v1"
            server.failures = 0
        except TryAgainError as error:
            if error.status >= BROKEN_FROM:
                self.mark_down(server.url)
            raise
        except httpx.TransportError as error:
            self.mark_down(server.url)
            raise TryAgainError(f"{server.url}: {type(error).__name__}: {error}") from error
        finally:
            server.in_flight -= 1

    async def _least_busy(self) -> Server:
        deadline = time.monotonic() + self._patience_s
        while True:
            await self._look_again()
            if up := self.up():
                return min(up, key=lambda server: server.in_flight)
            if time.monotonic() > deadline:
                urls = ", ".join(server.url for server in self.servers)
                raise EndpointError(f"no server was up with the right weights for {self._patience_s:g} s: {urls}")
            await asyncio.sleep(PAUSE_S / 4)

    async def _look_again(self) -> None:
        for server in self.servers:
            if server.is_down and time.monotonic() - server.asked_at > server.pause_s:
                server.asked_at = time.monotonic()
                server.is_down = not await asyncio.to_thread(self._is_current, server.url)
