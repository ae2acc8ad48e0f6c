"""One request until it is answered: retries with backoff, the server's own wishes, and fields it does not know."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Final, Protocol

import httpx
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from or1_rollout.endpoint.settings import EndpointSettings
from or1_rollout.endpoint.wire import Pieces, WireError, leave_out, path_of, refused_field
from or1_rollout.errors import EndpointError
from or1_rollout.types import Completion

RETRIED: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""Answers of a server that is busy, restarting or behind a proxy: worth another try."""

LONGEST_WISH_S = 300.0
"""A `Retry-After` beyond this is not waited for in full."""


class TryAgainError(Exception):
    """The server may answer later: `after_s` is how long it asked to wait, `status` its HTTP status (0: none)."""

    def __init__(self, message: str, after_s: float = 0.0, status: int = 0) -> None:
        super().__init__(message)
        self.after_s, self.status = after_s, status


class Where(Protocol):
    """Which server the next request goes to."""

    def server(self) -> AbstractAsyncContextManager[str]:
        """A base URL with `/v1`, held while the request is in flight; an error inside is the server's."""


class One:
    """Always the same server."""

    def __init__(self, base_url: str) -> None:
        """Its URL with `/v1`."""
        self._base_url = base_url

    @asynccontextmanager
    async def server(self) -> AsyncIterator[str]:
        """See `Where`."""
        yield self._base_url


class Poster:
    """Sends requests; remembers which optional fields the server refused, and counts tokens as they come."""

    def __init__(self, settings: EndpointSettings, where: Where, on_tokens: Callable[[int], None]) -> None:
        """`on_tokens(n)` is called for every piece that brings n new tokens."""
        self._settings, self._where, self._on_tokens = settings, where, on_tokens
        self._refused: set[str] = set()
        rate = settings.requests_per_minute
        self._limiter = AsyncLimiter(max(1.0, rate / 60.0), max(1.0, 60.0 / rate)) if rate else None

    async def complete(self, client: httpx.AsyncClient, body: Mapping[str, Any], seed: int) -> Completion:
        """One sample. Raises `EndpointError` when the server refuses it or all attempts are used up."""
        settings = self._settings
        pause = wait_random_exponential(multiplier=0.5, max=settings.max_wait_s)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((TryAgainError, WireError, httpx.TransportError)),
            stop=stop_after_attempt(settings.attempts),
            wait=lambda state: max(pause(state), _wish_s(state)),
            reraise=True,
        )
        try:
            return await retrying(self._once, client, dict(body), seed)
        except (TryAgainError, WireError, httpx.TransportError) as error:
            raise EndpointError(
                f"{settings.url} gave no answer in {settings.attempts} attempts: {type(error).__name__}: {error}"
            ) from error

    async def _once(self, client: httpx.AsyncClient, body: dict[str, Any], seed: int) -> Completion:
        while True:
            for name in self._refused & body.keys():  # another request may have found it out meanwhile
                leave_out(body, name)
            if self._limiter is not None:
                await self._limiter.acquire()
            async with self._where.server() as base_url:
                answer = await self._exchange(client, base_url + path_of(body), body)
            if isinstance(answer, Pieces):
                return answer.completion(seed, reasoning=self._settings.reasoning)
            self._refused.add(answer)

    async def _exchange(self, client: httpx.AsyncClient, url: str, body: dict[str, Any]) -> Pieces | str:
        """The response's pieces, or the name of a field that the server does not take."""
        async with client.stream("POST", url, json=body) as answer:
            if answer.status_code in RETRIED:
                text = (await answer.aread()).decode("utf-8", "replace")
                raise TryAgainError(f"{answer.status_code} {text[:200]}", _retry_after_s(answer), answer.status_code)
            if answer.is_error:
                text = (await answer.aread()).decode("utf-8", "replace")
                field = refused_field(text, body) if answer.status_code in (400, 422) else None
                if field is None:
                    raise EndpointError(f"{url} refused a request: {answer.status_code} {text[:500]}")
                return field
            return await self._collect(answer)

    async def _collect(self, answer: httpx.Response) -> Pieces:
        pieces = Pieces()
        if "text/event-stream" not in answer.headers.get("content-type", ""):
            self._on_tokens(pieces.add(_object(await answer.aread())))
            return pieces
        async for line in answer.aiter_lines():
            payload = line.removeprefix("data:").strip() if line.startswith("data:") else ""
            if payload == "[DONE]":
                break
            if payload:
                self._on_tokens(pieces.add(_object(payload)))
        return pieces


def _object(text: str | bytes) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise WireError(f"no JSON: {text[:200]!r}") from error
    if not isinstance(value, dict):
        raise WireError(f"no JSON object: {text[:200]!r}")
    return value


def _wish_s(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    return error.after_s if isinstance(error, TryAgainError) else 0.0


def _retry_after_s(answer: httpx.Response) -> float:
    try:
        return min(LONGEST_WISH_S, float(answer.headers.get("Retry-After", 0)))
    except ValueError:  # a date
        return 0.0
