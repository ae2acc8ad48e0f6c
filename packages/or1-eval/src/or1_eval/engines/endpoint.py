"""Any OpenAI-compatible server as an engine: vLLM, SGLang, llama.cpp, a hosted API. Needs httpx, no torch.

Each sample is a request of its own with its own seed, so that it can be drawn again alone and is kept as soon as it
is there. Chat messages go to `/chat/completions`, plain text and token ids to `/completions`.
"""

from __future__ import annotations

import asyncio
import os
import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from or1_eval.engines.wire import completion_of, leave_out, refused_field, request_body
from or1_eval.errors import EngineError
from or1_eval.types import Completion, CompletionLike, Prompt, Sampling

RETRIED: Final = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
"""Answers of a server that is busy, restarting or behind a proxy: worth another try."""


class _TryAgainError(Exception):
    """The server may answer later; `after_s` is how long it asked to wait."""

    def __init__(self, message: str, after_s: float = 0.0) -> None:
        super().__init__(message)
        self.after_s = after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """How to talk to a server; `model` "" asks it which one it serves.

    `timeout_s` is for one whole response (32K tokens take long), `concurrency` requests are in flight at a time, and
    each is tried `attempts` times with growing, random pauses of at most `max_wait_s`.
    """

    url: str
    model: str = ""
    api_key: str = ""
    concurrency: int = 64
    timeout_s: float = 7200.0
    connect_timeout_s: float = 10.0
    attempts: int = 8
    max_wait_s: float = 60.0


class EndpointEngine:
    """Draws samples from a server."""

    def __init__(self, settings: EndpointSettings) -> None:
        """Nothing is sent until it must be."""
        self.settings = settings
        self._url = settings.url.rstrip("/") + ("" if settings.url.rstrip("/").endswith("/v1") else "/v1")
        self._model = settings.model
        self._refused: set[str] = set()  # optional fields that this server does not take

    @property
    def model(self) -> str:
        """The model's name; the server is asked once where it was not given.

        Raises:
            EngineError: the server does not answer, or serves several models.
        """
        if not self._model:
            self._model = self._only_model()
        return self._model

    def describe(self) -> dict[str, Any]:
        """For the fingerprint."""
        return {"engine": "openai-compatible endpoint", "model": self.model, "url": self._url}

    def stream(
        self, prompts: Sequence[Prompt], params: Sampling, seeds: Sequence[int]
    ) -> Iterator[tuple[int, CompletionLike]]:
        """One request per prompt [S] with its seed [S]; yields (position, completion) as responses arrive.

        Raises:
            EngineError: a request failed for good; the others are called back.
        """
        arrived: queue.SimpleQueue[tuple[int, Completion] | BaseException | None] = queue.SimpleQueue()
        stop = threading.Event()
        model = self.model
        worker = threading.Thread(
            target=lambda: asyncio.run(self._serve(model, prompts, params, seeds, arrived, stop)), daemon=True
        )
        worker.start()
        try:
            while (item := arrived.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            stop.set()
            worker.join()

    def generate(
        self,
        prompts: Sequence[Prompt],
        params: Sampling,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        on_group: Callable[[int, list[Any]], None] | None = None,
    ) -> list[list[CompletionLike]]:
        """The pinned `generate` of the engines of or1-rollout, for code that wants groups."""
        seeds = seeds or [[params.seed + p * params.n + g for g in range(params.n)] for p in range(len(prompts))]
        groups: list[dict[int, CompletionLike]] = [{} for _ in prompts]
        flat = [(p, g) for p in range(len(prompts)) for g in range(params.n)]
        for position, completion in self.stream([prompts[p] for p, _ in flat], params, [seeds[p][g] for p, g in flat]):
            p, g = flat[position]
            groups[p][g] = completion
            if on_group is not None and len(groups[p]) == params.n:
                on_group(p, [groups[p][g] for g in range(params.n)])
        return [[group[g] for g in range(params.n)] for group in groups]

    def close(self) -> None:
        """Nothing is held between calls."""

    async def _serve(
        self,
        model: str,
        prompts: Sequence[Prompt],
        params: Sampling,
        seeds: Sequence[int],
        arrived: queue.SimpleQueue[tuple[int, Completion] | BaseException | None],
        stop: threading.Event,
    ) -> None:
        waiting = iter(range(len(prompts)))

        async def lane(client: httpx.AsyncClient) -> None:
            for position in waiting:  # lanes share the iterator: each takes the next request
                body = request_body(model, prompts[position], params, seeds[position])
                arrived.put((position, await self._ask(client, body)))

        try:
            async with self._client() as client, asyncio.TaskGroup() as group:
                lanes = [group.create_task(lane(client)) for _ in range(min(self.settings.concurrency, len(prompts)))]
                watcher = group.create_task(_until(stop, lanes))
                await asyncio.wait(lanes, return_when=asyncio.FIRST_EXCEPTION)
                watcher.cancel()
        except* (EngineError, httpx.HTTPError) as errors:
            arrived.put(errors.exceptions[0])
        except* Exception as errors:  # noqa: BLE001
            arrived.put(errors.exceptions[0])
        arrived.put(None)

    def _client(self) -> httpx.AsyncClient:
        settings = self.settings
        timeout = httpx.Timeout(settings.timeout_s, connect=settings.connect_timeout_s, pool=None)
        limits = httpx.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency)
        return httpx.AsyncClient(base_url=self._url, headers=self._headers(), timeout=timeout, limits=limits)

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.settings.api_key}"} if self.settings.api_key else {}

    async def _ask(self, client: httpx.AsyncClient, body: Mapping[str, Any]) -> Completion:
        """One sample, with retries; a server that refuses an optional field is asked again without it."""
        settings = self.settings
        pause = wait_random_exponential(multiplier=0.5, max=settings.max_wait_s)
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((_TryAgainError, httpx.TransportError)),
            stop=stop_after_attempt(settings.attempts),
            wait=lambda state: max(pause(state), _asked_pause(state)),
            reraise=True,
        )
        try:
            return await retrying(self._once, client, dict(body))
        except (_TryAgainError, httpx.TransportError) as error:
            raise EngineError(f"{self._url} gave no answer in {settings.attempts} attempts: {_said(error)}") from error

    async def _once(self, client: httpx.AsyncClient, body: dict[str, Any]) -> Completion:
        path = "/chat/completions" if "messages" in body else "/completions"
        while True:
            for name in self._refused & body.keys():  # another request may have found it out meanwhile
                leave_out(body, name)
            answer = await client.post(path, json=body)
            if answer.status_code in RETRIED:
                raise _TryAgainError(f"{answer.status_code} {answer.text[:200]}", _retry_after_s(answer))
            if answer.status_code in (400, 422) and (field := refused_field(answer.text, body)):
                self._refused.add(field)
                continue
            if answer.is_error:
                raise EngineError(f"{self._url}{path} refused a request: {answer.status_code} {answer.text[:500]}")
            return completion_of(answer, f"{self._url}{path}")

    def _only_model(self) -> str:
        try:
            answer = httpx.get(f"{self._url}/models", headers=self._headers(), timeout=self.settings.connect_timeout_s)
            answer.raise_for_status()
            names = [str(entry["id"]) for entry in answer.json()["data"]]
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise EngineError(f"{self._url}/models does not say which model is served: {_said(error)}") from error
        if len(names) != 1:
            raise EngineError(f"{self._url} serves {len(names)} models ({', '.join(names[:8])}); say which one")
        return names[0]


def endpoint(url: str, **settings: Any) -> EndpointEngine:
    """An engine over a server, the key from OPENAI_API_KEY unless given; see `EndpointSettings`."""
    settings.setdefault("api_key", os.environ.get("OPENAI_API_KEY", ""))
    return EndpointEngine(EndpointSettings(url=url, **settings))


async def _until(stop: threading.Event, lanes: Sequence[asyncio.Task[None]]) -> None:
    while not stop.is_set():
        await asyncio.sleep(0.05)
    for lane in lanes:
        lane.cancel()


def _asked_pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome is not None else None
    return error.after_s if isinstance(error, _TryAgainError) else 0.0


def _retry_after_s(answer: httpx.Response) -> float:
    try:
        return min(300.0, float(answer.headers.get("Retry-After", 0)))
    except ValueError:  # a date
        return 0.0


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
