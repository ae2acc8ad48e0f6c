"""`OpenAIClient`: one request until it is answered, with retries, rate limit, several servers and streaming."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, Self

import httpx
from aiolimiter import AsyncLimiter
from tenacity import AsyncRetrying, retry_if_exception_type

from or1_rollout.engines.openai.errors import RequestRefusedError, ResponseError, TryAgainError
from or1_rollout.engines.openai.models import served_model
from or1_rollout.engines.openai.patience import RETRIED_ERRORS, RequestPatience, ServerHealth, said
from or1_rollout.engines.openai.request import leave_out, refused_field, request_body, route_of
from or1_rollout.engines.openai.response import Response, ResponseParts
from or1_rollout.engines.openai.sampled_with import SampledWith
from or1_rollout.engines.openai.selector import LeastBusyServer, ServerSelector
from or1_rollout.engines.openai.settings import EndpointSettings
from or1_rollout.errors import EndpointError
from or1_rollout.types import Message, Prompt, SamplingParams

_TRIED_AGAIN: Final = frozenset({408, 409, 425, 429})
"""Beside all from 500 on: answers of a server that is busy, restarting or behind a proxy."""

_REFUSED: Final = frozenset({400, 413, 422})
"""Answers about this one request."""

MAX_RETRY_AFTER_S = 300.0
"""A `Retry-After` beyond this is not waited for in full."""


class OpenAIClient:
    """Sends requests to servers of one model; an async context manager."""

    def __init__(
        self,
        settings: EndpointSettings,
        *,
        selector: ServerSelector | None = None,
        sampled_with: SampledWith | None = None,
        on_tokens: Callable[[int], None] | None = None,
        on_notice: Callable[[str], None] | None = None,
    ) -> None:
        """Nothing is sent yet.

        `on_tokens(n)` is called for every piece of a response that brings n new tokens, `on_notice(text)` while a
        server is waited for (without it, the text is logged as a warning). `sampled_with` collects what the server says
        of its sampling; clients of one server may share it, with what it was found to refuse.
        """
        self.settings = settings
        self._selector = selector or LeastBusyServer(settings.base_urls)
        self._on_tokens = on_tokens or (lambda number: None)
        self._health = ServerHealth(settings.url, settings.patience_s, on_notice)
        rate = settings.requests_per_minute
        self._limiter = AsyncLimiter(max(1.0, rate / 60.0), max(1.0, 60.0 / rate)) if rate else None
        self._http: httpx.AsyncClient | None = None
        self._model = settings.model
        self.sampled_with = sampled_with or SampledWith()

    async def __aenter__(self) -> Self:
        self._http = _http_client(self.settings)
        return self

    async def __aexit__(self, *error: object) -> None:
        if self._http is not None:
            await self._http.aclose()
            self._http = None

    @property
    def model(self) -> str:
        """The model's name; the server is asked once where it was not given. Raises `EndpointError`."""
        if not self._model:
            self._model = served_model(self.settings).name
        return self._model

    async def complete(
        self, prompt: str | Sequence[int], params: SamplingParams, *, seed: int | None = None, logprobs: bool = False
    ) -> Response:
        """One continuation of a text or of token ids.

        Raises:
            RequestRefusedError: the server refuses this request, or fails on it while it answers others.
            EndpointError: no server answered for as long as the settings allow, or it refuses everything.
        """
        return await self.sample(prompt, params, seed=seed, logprobs=logprobs)

    async def chat(
        self, messages: Sequence[Message], params: SamplingParams, *, seed: int | None = None, logprobs: bool = False
    ) -> Response:
        """One answer to chat messages; raises as `complete` does."""
        return await self.sample(messages, params, seed=seed, logprobs=logprobs)

    async def sample(
        self, prompt: Prompt, params: SamplingParams, *, seed: int | None = None, logprobs: bool = False
    ) -> Response:
        """`chat` for messages, `complete` for text and token ids."""
        return await self.send(request_body(self.model, prompt, params, seed, logprobs=logprobs))

    async def send(self, body: Mapping[str, Any]) -> Response:
        """The response to a body of `request_body`, with the settings' own fields added; raises as `complete` does."""
        patience = RequestPatience(self.settings, self._health)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(RETRIED_ERRORS), stop=patience.stop, wait=patience.wait, reraise=True
        )
        try:
            response: Response = await retrying(self._once, self._completed(body))
        except RequestRefusedError:
            self._health.succeeded()  # it answers
            raise
        except RETRIED_ERRORS as error:
            tries = int(retrying.statistics.get("attempt_number", 1))
            if patience.is_own_fault:
                raise RequestRefusedError(
                    f"{self.settings.url} failed on a request {tries} times while it answered others: {said(error)}"
                ) from error
            raise EndpointError(f"{self.settings.url} gave no answer in {tries} attempts: {said(error)}") from error
        self._health.succeeded()
        return response

    def _completed(self, body: Mapping[str, Any]) -> dict[str, Any]:
        settings = self.settings
        streamed = {"stream": True, "stream_options": {"include_usage": True}} if settings.stream else {}
        completed = {**body, **streamed, **settings.extra_body}
        if not settings.send_seed:
            completed.pop("seed", None)
        return completed

    async def _once(self, body: dict[str, Any]) -> Response:
        while True:
            for name in self.sampled_with.left_out & body.keys():  # another request may have found it out meanwhile
                leave_out(body, name)
            if self._limiter is not None:
                await self._limiter.acquire()
            async with self._selector.server() as base_url:
                answer = await self._exchange(base_url + route_of(body), body)
            if isinstance(answer, Response):
                self.sampled_with.take(body, answer.said)
                return answer
            self.sampled_with.left_out.add(answer)

    async def _exchange(self, url: str, body: dict[str, Any]) -> Response | str:
        """The response, or the name of a field that the server does not take."""
        if self._http is None:
            raise EndpointError("the client is not open; use it in an `async with`")
        async with self._http.stream("POST", url, json=body) as answer:
            if answer.status_code == httpx.codes.OK:
                return await self._collect(answer)
            text = (await answer.aread()).decode("utf-8", "replace")
        if answer.status_code in _REFUSED and (name := refused_field(text, body)):
            return name
        raise _failure(url, answer, text)

    async def _collect(self, answer: httpx.Response) -> Response:
        parts = ResponseParts()
        if "text/event-stream" not in answer.headers.get("content-type", ""):
            self._on_tokens(parts.add(await answer.aread()))
            return parts.response()
        async for line in answer.aiter_lines():
            payload = line.removeprefix("data:").strip() if line.startswith("data:") else ""
            if payload == "[DONE]":
                break
            if payload:
                self._on_tokens(parts.add(payload))
        return parts.response()


def _failure(url: str, answer: httpx.Response, text: str) -> Exception:
    """What a status other than 200 means."""
    status, said_text = answer.status_code, " ".join(text.split())[:500]
    is_broken = status >= httpx.codes.INTERNAL_SERVER_ERROR and status != httpx.codes.NOT_IMPLEMENTED
    if is_broken or status in _TRIED_AGAIN:
        return TryAgainError(f"{status} {said_text[:200]}", _retry_after_s(answer), status)
    if answer.is_redirect:
        return EndpointError(f"{url} redirects to {answer.headers.get('location', '')}; give that URL")
    if answer.is_success:
        return ResponseError(f"{status} {said_text[:200]}", status=status)
    kind = RequestRefusedError if status in _REFUSED else EndpointError
    return kind(f"{url} refused a request: {status} {said_text}")


def _retry_after_s(answer: httpx.Response) -> float:
    try:
        return min(MAX_RETRY_AFTER_S, max(0.0, float(answer.headers.get("Retry-After", 0))))
    except ValueError:  # a date
        return 0.0


def _http_client(settings: EndpointSettings) -> httpx.AsyncClient:
    """As many connections as requests in flight."""
    timeout = httpx.Timeout(settings.timeout_s, connect=settings.connect_timeout_s, pool=None)
    limits = httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency)
    return httpx.AsyncClient(headers=settings.all_headers, timeout=timeout, limits=limits, verify=_certificates())


@cache
def _certificates() -> ssl.SSLContext:
    """Read once: reading them takes 50 ms."""
    return httpx.create_ssl_context()
