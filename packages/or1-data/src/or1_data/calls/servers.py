"""Models behind OpenAI-compatible servers, through or1-rollout's client (extra `or1-data[endpoint]`)."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Annotated, Any, Final, Self

import msgspec

from or1_data.calls.chat import Completion, PromptRefused
from or1_data.errors import ConfigError, EndpointError

_PATIENCE_S: Final = 1800.0
_SLOTS_PER_CLIENT: Final = 32
"""The work of httpx's connection pool per request grows with its connections: several small pools cost less."""


class ServedModelSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model, how it is sampled, and the servers that have it.

    The key is read from the environment variable named by `key_env`, never from a file.
    """

    url: str
    """Base URL, for example http://127.0.0.1:8000/v1 ."""
    replicas: tuple[str, ...] = ()
    """Base URLs of further servers with the same model; a request goes to the least busy one."""
    model: str
    """Name of the model, as the servers know it."""
    key_env: str = ""
    """Environment variable that holds the key."""
    temperature: Annotated[float, msgspec.Meta(ge=0)] = 1.0
    """Temperature of sampling."""
    top_p: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    """Nucleus sampling."""
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] = 1024
    """Longest answer."""
    timeout_s: Annotated[float, msgspec.Meta(gt=0)] = 600.0
    """The longest silence of a server, between two pieces of an answer."""
    retries: Annotated[int, msgspec.Meta(ge=0)] = 6
    """How often a failing request is tried again."""
    concurrency: Annotated[int, msgspec.Meta(ge=1)] = 32
    """Requests that are open at each server at a time."""
    requests_per_minute: Annotated[int, msgspec.Meta(ge=0)] = 0
    """0 is no limit of ours; a server's own limit (429, Retry-After) is always kept."""

    def __post_init__(self) -> None:
        """Refuse addresses that are none."""
        for url in (self.url, *self.replicas):
            if not url.startswith(("http://", "https://")):
                raise ConfigError(f"endpoint url must start with http:// or https://, got {url!r}")

    @property
    def sampling(self) -> dict[str, Any]:
        """What decides the answers: not where the model is served, nor how it is reached."""
        return {
            "model": self.model, "temperature": self.temperature, "top_p": self.top_p, "max_tokens": self.max_tokens,
        }  # fmt: skip


class ServedModel:
    """A `ChatModel` over servers."""

    def __init__(self, settings: ServedModelSettings) -> None:
        """Nothing is sent yet. Raises `ConfigError` where the extra is not installed or the key is not set."""
        self.settings = settings
        count = 1 if settings.requests_per_minute else math.ceil(self.slots / _SLOTS_PER_CLIENT)
        self._clients = [_client(settings, math.ceil(self.slots / count)) for _ in range(count)]
        self._open = [0] * count
        self._stack = AsyncExitStack()

    @property
    def slots(self) -> int:
        """See `ChatModel`."""
        return self.settings.concurrency * (1 + len(self.settings.replicas))

    async def __aenter__(self) -> Self:
        for client in self._clients:
            await self._stack.enter_async_context(client)
        return self

    async def __aexit__(self, *exc: object) -> None:
        await self._stack.aclose()

    async def complete(self, messages: Sequence[Mapping[str, str]], *, seed: int) -> Completion:
        """See `ChatModel`."""
        from or1_rollout.engines.openai.errors import RequestRefusedError
        from or1_rollout.errors import EndpointError as ServerError
        from or1_rollout.types import FinishReason, SamplingParams

        settings = self.settings
        params = SamplingParams(
            max_new_tokens=settings.max_tokens, temperature=settings.temperature, top_p=settings.top_p
        )
        index = self._open.index(min(self._open))
        self._open[index] += 1
        try:
            response = await self._clients[index].chat(messages, params, seed=seed)
        except RequestRefusedError as error:
            raise PromptRefused(str(error)) from error
        except ServerError as error:
            raise EndpointError(str(error)) from error
        finally:
            self._open[index] -= 1
        return Completion(
            response.joined_text, response.finish_reason == FinishReason.LENGTH, max(0, response.num_tokens)
        )


def _client(settings: ServedModelSettings, slots: int) -> Any:
    try:
        from or1_rollout.engines.openai import EndpointSettings, OpenAIClient
    except ImportError as error:
        raise ConfigError(
            f"reaching {settings.url} needs or1-rollout's client; install `or1-data[endpoint]`, or pass a sampler"
        ) from error
    key = os.environ.get(settings.key_env, "") if settings.key_env else ""
    if settings.key_env and not key:
        raise ConfigError(f"the environment variable {settings.key_env} is not set; put the endpoint's key there")
    return OpenAIClient(
        EndpointSettings(
            url=settings.url,
            replicas=settings.replicas,
            model=settings.model,
            api_key=key,
            concurrency=slots,
            requests_per_minute=float(settings.requests_per_minute),
            attempts=settings.retries + 1,
            patience_s=_PATIENCE_S,
            timeout_s=settings.timeout_s,
        )
    )
