"""Errors of requests to OpenAI-compatible servers: try again, give only this request up, or stop (`EndpointError`)."""

from __future__ import annotations

from or1_rollout.errors import EndpointError


class TryAgainError(Exception):
    """The server may answer later: `after_s` is how long it asked to wait, `status` its HTTP status (0: none)."""

    def __init__(self, message: str, after_s: float = 0.0, status: int = 0) -> None:
        """Keep what the server said."""
        super().__init__(message)
        self.after_s, self.status = after_s, status


class ResponseError(TryAgainError):
    """A 2xx response that is not a complete OpenAI completion; worth another try, as a proxy may have cut it."""


class RequestRefusedError(EndpointError):
    """The server refuses this one request, for example because its prompt is too long; others may be answered."""
