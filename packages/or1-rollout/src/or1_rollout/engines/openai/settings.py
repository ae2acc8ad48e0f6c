"""How to talk to a server."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

_ROUTES: Final = ("/chat/completions", "/completions", "/models")
_SERVER: Final = re.compile(r"\s*https?://[^\s/]")
_VERSION: Final = re.compile(r"/v\d\w*(/|$)")

SAMPLING_FIELDS: Final = frozenset(
    {
        *("temperature", "top_p", "top_k", "min_p", "repetition_penalty", "presence_penalty", "frequency_penalty"),
        *("max_tokens", "max_completion_tokens", "max_new_tokens", "n", "seed", "stop", "stop_token_ids"),
        *("model", "prompt", "messages", "stream"),
    }
)
"""Fields of a request that other settings decide; `extra_body` may not hide another value behind them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointSettings:
    """Which servers, how many requests, how long to wait.

    `model` "" asks the server which one it serves. `replicas` are further servers of the same model: each request
    goes to the least busy one. `headers` are sent with every request, `extra_body` with every completion (for example
    `{"chat_template_kwargs": {"enable_thinking": False}}`). `send_seed` False is for APIs that refuse a seed.

    `concurrency` requests are in flight at a time, and at most `requests_per_minute` are begun (0: no limit).
    A request that fails is tried again after growing, random pauses of at most `max_wait_s` (or as long as the server
    asks) until the server has given no answer to any request for `patience_s`; `attempts` limits the tries of each
    request (0: no limit). `timeout_s` is the longest silence: with `stream`, between two pieces of a response;
    without, for all of it.

    `reasoning` "joined" puts a reasoning part that the server cuts out back in front of the text, between its
    `<think>` marks; "apart" leaves it in `Completion.reasoning`. `processed_logprobs` True says that the server's
    log-probs are those after temperature (vLLM's `--logprobs-mode processed_logprobs`); None asks it when that
    matters.
    """

    url: str
    replicas: tuple[str, ...] = ()
    model: str = ""
    api_key: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    send_seed: bool = True
    concurrency: int = 64
    requests_per_minute: float = 0.0
    patience_s: float = 1800.0
    attempts: int = 0
    max_wait_s: float = 20.0
    timeout_s: float = 600.0
    connect_timeout_s: float = 10.0
    stream: bool = True
    reasoning: Literal["joined", "apart"] = "joined"
    processed_logprobs: bool | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        for url in (self.url, *self.replicas):
            if not _SERVER.match(url):
                raise ValueError(f"the URL of a server is http://HOST:PORT or https://..., got {url!r}")
        if self.concurrency < 1 or self.attempts < 0 or not self.requests_per_minute >= 0:
            raise ValueError("concurrency must be at least 1, attempts and requests_per_minute at least 0")
        for name in ("patience_s", "max_wait_s", "timeout_s", "connect_timeout_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if hidden := sorted(SAMPLING_FIELDS & self.extra_body.keys()):
            raise ValueError(f"extra_body must not set {', '.join(hidden)}: there is a setting of its own for it")

    @property
    def base_url(self) -> str:
        """The first server's URL with the interface's version, such as `/v1`."""
        return base_url(self.url)

    @property
    def all_headers(self) -> dict[str, str]:
        """Headers of every request; the key is OPENAI_API_KEY unless given."""
        key = self.api_key or os.environ.get("OPENAI_API_KEY", "")
        return ({"Authorization": f"Bearer {key}"} if key else {}) | dict(self.headers)

    @property
    def base_urls(self) -> tuple[str, ...]:
        """The URLs of all servers."""
        return tuple(base_url(url) for url in (self.url, *self.replicas))


def base_url(url: str) -> str:
    """A server's URL up to its version: a route behind it is cut off, `/v1` is added where there is no version."""
    url = url.strip().rstrip("/")
    for route in _ROUTES:
        url = url.removesuffix(route)
    return url if _VERSION.search(url.partition("://")[2]) else f"{url}/v1"
