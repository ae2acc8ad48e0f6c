"""Access to the page of `or1-trainer watch`: open on a local address, else only with the token of the printed URL."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

LOCAL_HOSTS = ("127.0.0.1", "localhost")
"""Addresses that other machines cannot reach."""

COOKIE = "or1_watch"


class TokenRequired:
    """ASGI middleware: answers 403 unless the token is in the URL (`?token=`) or in the cookie that the page sets."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        """Guard `app`."""
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http" and not self._is_allowed(Request(scope)):
            refusal = PlainTextResponse("This page needs the token of the address that `watch` printed.\n", 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_allowed(self, request: Request) -> bool:
        given = (request.query_params.get("token", ""), request.cookies.get(COOKIE, ""))
        return any(secrets.compare_digest(text.encode("utf-8", errors="replace"), self._token) for text in given)
