"""OpenAI-compatible chat endpoints over HTTP: retries, rate limits, several requests at a time.

Used by the judges, and by the difficulty stage where no other sampler is handed in.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from collections.abc import Sequence
from functools import cache
from itertools import cycle
from types import TracebackType
from typing import Any, Final

import httpx
import msgspec
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from or1_data.completion import Completion
from or1_data.errors import ConfigError, EndpointError

_RETRIED: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504})


class EndpointSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One endpoint and model. The key is read from the environment variable named by `key_env`, never from a file."""

    url: str
    """Base URL, for example http://127.0.0.1:8000/v1 ."""
    replicas: tuple[str, ...] = ()
    """Base URLs of further servers with the same model; requests go round, a failed one is tried at the next."""
    model: str
    key_env: str = ""
    temperature: float = 1.0
    max_tokens: int = 1024
    timeout_s: float = 600.0
    retries: int = 6
    concurrency: int = 32
    requests_per_minute: int = 0
    """0 is no limit of ours; a server's own limit (429, Retry-After) is always kept."""

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for url in (self.url, *self.replicas):
            if not url.startswith(("http://", "https://")):
                raise ConfigError(f"endpoint url must start with http:// or https://, got {url!r}")
        if self.concurrency < 1 or self.retries < 0:
            raise ConfigError("endpoint: need concurrency >= 1 and retries >= 0")


class _Retry(Exception):  # noqa: N818  a signal between this file's functions
    """The request may succeed later; `after_s` is what the server asked for."""

    def __init__(self, reason: str, after_s: float = 0.0) -> None:
        super().__init__(reason)
        self.after_s = after_s


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: a client is made for every few rows, and reading them takes it 50 ms."""
    return httpx.create_ssl_context()


class Endpoint:
    """A chat endpoint; use it as an async context manager."""

    def __init__(self, settings: EndpointSettings) -> None:
        """Take the settings; nothing is sent yet."""
        self.settings = settings
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._next_s = 0.0
        self._urls = cycle((settings.url, *settings.replicas))
        self._client: httpx.AsyncClient | None = None

    async def __aenter__(self) -> Endpoint:
        key = os.environ.get(self.settings.key_env, "") if self.settings.key_env else ""
        if self.settings.key_env and not key:
            raise ConfigError(
                f"the environment variable {self.settings.key_env} is not set; put the endpoint's key there"
            )
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        limits = httpx.Limits(max_connections=self.settings.concurrency)
        self._client = httpx.AsyncClient(
            headers=headers, timeout=self.settings.timeout_s, limits=limits, verify=_certificates()
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client:
            await self._client.aclose()

    async def complete(self, messages: Sequence[dict[str, str]], *, seed: int) -> Completion:
        """One answer to a chat.

        Raises:
            EndpointError: refused for good, or still failing after all retries.
        """
        body = {
            "model": self.settings.model,
            "messages": list(messages),
            "temperature": self.settings.temperature,
            "max_tokens": self.settings.max_tokens,
            "seed": seed,
            "n": 1,
        }
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(_Retry),
            stop=stop_after_attempt(self.settings.retries + 1),
            wait=_wait,
            reraise=True,
        )
        try:
            async with self._slots:
                return await retrying(self._once, body)
        except _Retry as error:
            tries = self.settings.retries + 1
            raise EndpointError(
                f"{self.settings.url}: {error} after {tries} tries; is the server up and the limit right?"
            ) from error

    async def _once(self, body: dict[str, Any]) -> Completion:
        await self._turn()
        if self._client is None:
            raise EndpointError("the endpoint is not open; use it in an `async with`")
        url = next(self._urls)
        try:
            reply = await self._client.post(f"{url.rstrip('/')}/chat/completions", json=body)
        except (httpx.TransportError, httpx.DecodingError) as error:
            raise _Retry(f"{type(error).__name__}: {error}") from error
        if reply.status_code in _RETRIED:
            raise _Retry(f"status {reply.status_code}", _seconds(reply.headers.get("retry-after", "")))
        if reply.status_code != 200:
            raise EndpointError(f"{url}: status {reply.status_code}: {reply.text[:300]}")
        return _completion(reply)

    async def _turn(self) -> None:
        """Wait until the rate limit allows one more request."""
        if self.settings.requests_per_minute:
            now = time.monotonic()
            start = max(now, self._next_s)
            self._next_s = start + 60.0 / self.settings.requests_per_minute
            await asyncio.sleep(start - now)


_BACKOFF: Final = wait_random_exponential(multiplier=0.5, max=30.0)


def _wait(state: RetryCallState) -> float:
    """What the server asked for, else a growing pause."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.after_s if isinstance(error, _Retry) else 0.0
    return min(asked, 300.0) if asked else float(_BACKOFF(state))


def _seconds(text: str) -> float:
    try:
        return max(0.0, float(text))
    except ValueError:
        return 0.0


def _completion(reply: httpx.Response) -> Completion:
    """The one answer; a reply that is none (a proxy's page, half a body, no choices) is worth another try."""
    try:
        (choice,) = reply.json()["choices"]
        text = choice["message"]["content"] or ""
        if not isinstance(text, str):
            raise TypeError(f"content is {type(text).__name__}")
        return Completion(text, choice.get("finish_reason") == "length")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _Retry(f"the reply is no chat completion: {reply.text[:200]!r}") from error
