"""Access to the page of `or1-trainer watch`: open on a local address, else only with the token of the printed URL."""

from __future__ import annotations

import secrets
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

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
        if scope["type"] == "http" and not any(self._is_right(given) for given in _tokens(scope)):
            refusal = PlainTextResponse("This page needs the token of the address that `watch` printed.\n", 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_right(self, given: str) -> bool:
        return secrets.compare_digest(given.encode("utf-8", errors="replace"), self._token)


def _tokens(scope: Scope) -> list[str]:
    """The tokens that a request brings."""
    found = parse_qs(scope["query_string"].decode("latin-1")).get("token", [])
    for name, value in scope["headers"]:
        if name == b"cookie":
            try:
                cookie = SimpleCookie(value.decode("latin-1")).get(COOKIE)
            except CookieError:
                continue
            found += [cookie.value] if cookie else []
    return found
