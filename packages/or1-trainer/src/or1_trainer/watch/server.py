"""The web server of `or1-trainer watch`: a static page, its data as JSON, and server-sent events when a run changes.

It is open on a local address, else only with the token of the printed URL.
"""

from __future__ import annotations

import functools
import secrets
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
import msgspec
import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from or1_trainer.errors import ConfigError
from or1_trainer.watch.query import Query
from or1_trainer.watch.runs import WatchedRun, plots

POLL_S = 0.5
"""Seconds between two looks at the files of a run, while a page is open."""

RETRY_MS = 1000
"""How long a page waits before it connects again, when the connection to the server was lost."""

ALIVE_S = 15.0
"""An idle connection gets a comment this often, so that a closed page is noticed."""

_LOCAL_HOSTS = ("127.0.0.1", "localhost")
"""Addresses that other machines cannot reach."""

_COOKIE = "or1_watch"
_ASSETS = Path(__file__).parent / "assets"
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def new_token(host: str) -> str | None:
    """Return a random token, or None for an address that other machines cannot reach."""
    return None if host in _LOCAL_HOSTS else secrets.token_urlsafe(24)


def build_app(runs: Sequence[WatchedRun], token: str | None = None) -> Starlette:
    """Return the application. With a token every request must have it; without, only local host names are answered."""
    if token is None:  # else a foreign page whose name resolves here (DNS rebinding) could read the data
        guard = Middleware(TrustedHostMiddleware, allowed_hosts=list(_LOCAL_HOSTS))
    else:
        guard = Middleware(_TokenRequired, token=token)
    api = _Api(runs)
    answers = (api.state, api.points, api.rollouts, api.rollout, api.problem, api.events)
    return Starlette(
        routes=[
            Route("/", functools.partial(_index, token=token)),
            *(Route(f"/api/{answer.__name__}", answer) for answer in answers),
            Mount("/assets", StaticFiles(directory=_ASSETS)),
        ],
        middleware=[guard],
    )


def serve(app: Starlette, host: str, port: int, on_ready: Callable[[int], None]) -> None:
    """Serve until interrupted; `on_ready` gets the port, a free one for 0. Raises `ConfigError` for a bad address."""
    try:
        listening = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigError(f"cannot listen on {host}, port {port}: {error.strerror}; choose another --port") from error
    with listening:
        on_ready(int(listening.getsockname()[1]))
        config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
        uvicorn.Server(config).run(sockets=[listening])


class _TokenRequired:
    """ASGI middleware: answers 403 unless the token is in the URL (`?token=`) or in the cookie that the page sets."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app, self._token = app, token.encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and not self._is_allowed(Request(scope)):
            refusal = PlainTextResponse("This page needs the token of the address that `watch` printed.\n", 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _is_allowed(self, request: Request) -> bool:
        given = (request.query_params.get("token", ""), request.cookies.get(_COOKIE, ""))
        return any(secrets.compare_digest(text.encode("utf-8", errors="replace"), self._token) for text in given)


async def _index(request: Request, token: str | None) -> Response:
    response = FileResponse(_ASSETS / "watch.html", headers=_HEADERS)
    if token is not None:
        response.set_cookie(_COOKIE, token, httponly=True, samesite="strict")
    return response


class _Api:
    """The data of the page, each method under its name. Files are read in threads."""

    def __init__(self, runs: Sequence[WatchedRun]) -> None:
        self._runs, self._session = runs, secrets.token_hex(4)

    def state(self, request: Request) -> Response:
        """Runs, charts, alarms and messages."""
        return _json(self._state())

    def points(self, request: Request) -> Response:
        """The series of one run, between two steps."""
        run = self._run(request)
        run.state()  # reads the new rows
        return _json(run.points(low=_integer(request, "low", 0), high=_integer(request, "high", 2**62)))

    def rollouts(self, request: Request) -> Response:
        """One page of the table of rollouts."""
        given = {key: value for key, value in request.query_params.items() if key not in ("run", "token") and value}
        try:
            query = msgspec.convert(given, Query, strict=False)
        except msgspec.ValidationError as error:
            raise HTTPException(400, str(error)) from error
        return _json(self._run(request).rollouts(query))

    def rollout(self, request: Request) -> Response:
        """One rollout."""
        found = self._run(request).rollout(_integer(request, "step", 0), _integer(request, "number", 0))
        if found is None:
            raise HTTPException(404, "this rollout is no longer there")
        return _json(found)

    def problem(self, request: Request) -> Response:
        """The responses of every run to one problem, at its step nearest to `near`."""
        problem, near = request.query_params.get("problem", ""), _integer(request, "near", 0)
        return _json([{"name": run.name, "responses": run.of_problem(problem, near)} for run in self._runs])

    async def events(self, request: Request) -> Response:
        """An event with the state at first and at every change."""
        return StreamingResponse(self._changes(request), media_type="text/event-stream", headers=_HEADERS)

    async def _changes(self, request: Request) -> AsyncIterator[str]:
        sent, silent_s = b"", 0.0
        yield f"retry: {RETRY_MS}\n\n"
        while not await request.is_disconnected():
            state = msgspec.json.encode(await anyio.to_thread.run_sync(self._state))
            silent_s += POLL_S
            if state != sent or silent_s >= ALIVE_S:
                yield f"data: {state.decode()}\n\n" if state != sent else ": alive\n\n"
                sent, silent_s = state, 0.0
            await anyio.sleep(POLL_S)

    def _state(self) -> dict[str, Any]:
        """What `/api/state` and the events send.

        `session` changes when the server is restarted: an open page then loads everything again, as the `generation`
        of a run (how often its file was replaced) is counted anew.
        """
        return {"session": self._session, "plots": plots(), "runs": [run.state() for run in self._runs]}

    def _run(self, request: Request) -> WatchedRun:
        number = _integer(request, "run", 0)
        if number >= len(self._runs):
            raise HTTPException(404, f"there are {len(self._runs)} runs, counted from 0")
        return self._runs[number]


def _integer(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if text and not text.isdecimal():
        raise HTTPException(400, f"{name} must be a whole number from 0")
    return int(text) if text else default


def _json(value: Any) -> Response:
    """JSON in which NaN and infinities are null."""
    return Response(msgspec.json.encode(value), media_type="application/json", headers=_HEADERS)
