"""How long a request is tried again: while the server is away, as long as patience lasts; alone, a few times."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import httpx
from tenacity import RetryCallState, wait_random_exponential

from or1_rollout.engines.openai.errors import TryAgainError
from or1_rollout.engines.openai.settings import EndpointSettings

OWN_FAILURES: Final = 8
"""A request that failed this often while others were answered is given up, alone."""

NOTICE_AFTER_S: Final = 30.0
"""After this much silence of the server the wait is said; then each time it has doubled."""

_BUSY: Final = frozenset({429, 502, 503, 504})
"""Answers that say nothing about the request itself."""

_logger = logging.getLogger(__name__)


class ServerHealth:
    """When a server last answered, over all requests; says what is waited for."""

    def __init__(self, name: str, patience_s: float, on_notice: Callable[[str], None] | None = None) -> None:
        """`on_notice` gets each line; None logs it as a warning."""
        self._name, self._patience_s = name, patience_s
        self._on_notice = on_notice or _logger.warning
        self._silent_since_s: float | None = None
        self._next_notice_s = NOTICE_AFTER_S
        self.last_success_s = 0.0

    def succeeded(self) -> None:
        """A request was answered."""
        if self._silent_since_s is not None and self._next_notice_s > NOTICE_AFTER_S:
            self._on_notice(f"{self._name} answers again after {self.silence_s:.0f} s")
        self._silent_since_s, self._next_notice_s = None, NOTICE_AFTER_S
        self.last_success_s = time.monotonic()

    def failed(self, error: BaseException) -> None:
        """A request was not answered."""
        if self._silent_since_s is None:
            self._silent_since_s = time.monotonic()
        if self.silence_s >= self._next_notice_s:
            self._on_notice(
                f"no answer from {self._name} for {self.silence_s:.0f} s ({said(error)}); "
                f"trying again until {self._patience_s:.0f} s have passed"
            )
            self._next_notice_s = max(2 * self._next_notice_s, self.silence_s)

    @property
    def silence_s(self) -> float:
        """Seconds since the first failure after the last answer."""
        return 0.0 if self._silent_since_s is None else time.monotonic() - self._silent_since_s

    @property
    def is_exhausted(self) -> bool:
        """Whether nothing was answered for as long as patience allows."""
        return self.silence_s >= self._patience_s


class RequestPatience:
    """The tries of one request: `stop` and `wait` of a tenacity retry."""

    def __init__(self, settings: EndpointSettings, health: ServerHealth) -> None:
        """Begin to count."""
        self._settings, self._health = settings, health
        self._pause = wait_random_exponential(multiplier=0.5, max=settings.max_wait_s)
        self._previous_s = time.monotonic()
        self.own_failures = 0

    def stop(self, state: RetryCallState) -> bool:
        """Whether to give up; called after each failure."""
        error = _error_of(state)
        if not isinstance(error, TryAgainError) or error.status not in _BUSY:
            self.own_failures += self._health.last_success_s > self._previous_s
        self._previous_s = time.monotonic()
        self._health.failed(error)
        limit = self._settings.attempts
        return self._health.is_exhausted or self.is_own_fault or bool(limit and state.attempt_number >= limit)

    def wait(self, state: RetryCallState) -> float:
        """Seconds until the next try."""
        error = _error_of(state)
        asked_s = error.after_s if isinstance(error, TryAgainError) else 0.0
        return max(float(self._pause(state)), asked_s)

    @property
    def is_own_fault(self) -> bool:
        """Whether this request fails and others do not."""
        return self.own_failures >= OWN_FAILURES


RETRIED_ERRORS: Final = (TryAgainError, httpx.TransportError, httpx.DecodingError)
"""Failures after which a request is tried again."""


def said(error: BaseException) -> str:
    """An error's kind and text in one line."""
    text = " ".join(str(error).split())[:200]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _error_of(state: RetryCallState) -> BaseException:
    error = state.outcome.exception() if state.outcome is not None else None
    return error if error is not None else RuntimeError("no outcome")
