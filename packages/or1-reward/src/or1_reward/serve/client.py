"""The client of `or1-reward serve`: the same `verify`, `verify_many` and `averify`, judged on another machine."""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final
from urllib.parse import urlsplit

from or1_reward.code_settings import CodeSettings
from or1_reward.grading import unpacked
from or1_reward.ground_truth import GroundTruthError
from or1_reward.maths import MathSettings
from or1_reward.serve.wire import request_to, verdict_from
from or1_reward.types import Limits, Status, Verdict

_DEFAULT_LIMITS: Final = Limits()
_FIRST_PAUSE_S: Final = 0.25
_LONGEST_PAUSE_S: Final = 8.0


class RemoteGrader:
    """Judge on the server at `url`.

    `code` and `maths` are the settings of its verdicts. A server that is busy or away is tried again until `patience_s`
    is over; then the verdict is `verifier_error`, never a wrong answer.
    """

    def __init__(
        self,
        url: str,
        *,
        timeout_s: float = 330.0,
        patience_s: float = 60.0,
        token: str = "",
        code: CodeSettings | None = None,
        maths: MathSettings | None = None,
    ) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError(f"the server's url must look like http://host:port, not {url!r}")
        self.url, self.timeout_s, self.patience_s, self.token = parts, timeout_s, patience_s, token
        self.code, self.maths = code or CodeSettings(), maths or MathSettings()
        self._local = threading.local()

    def verify(
        self, response: str, ground_truth: object, *, finish_reason: str | None = None, limits: Limits = _DEFAULT_LIMITS
    ) -> Verdict:
        """Judge one response; arguments and result as `or1_reward.verify`.

        Raises:
            GroundTruthError: the server cannot grade the row.
        """
        body = request_to(response, ground_truth, finish_reason, limits, self.code, self.maths)
        deadline_s, pause_s = time.monotonic() + self.patience_s, _FIRST_PAUSE_S
        while True:
            trouble = self.attempt(body)
            if isinstance(trouble, Verdict):
                return trouble
            if time.monotonic() + pause_s > deadline_s:
                return Verdict(status=Status.VERIFIER_ERROR, detail=f"{self.url.geturl()}: {trouble}")
            time.sleep(pause_s * random.uniform(0.5, 1.5))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def verify_many(
        self, items: Iterable[Mapping[str, Any] | Sequence[Any]], workers: int = 8, *, limits: Limits = _DEFAULT_LIMITS
    ) -> list[Verdict]:
        """Judge many responses with `workers` requests in flight; the order is kept."""

        def judge(item: Mapping[str, Any] | Sequence[Any]) -> Verdict:
            response, truth, reason = unpacked(item)
            return self.verify(response, truth, finish_reason=reason, limits=limits)

        with ThreadPoolExecutor(workers, thread_name_prefix="or1-reward-remote") as pool:
            return list(pool.map(judge, items))

    async def averify(
        self, response: str, ground_truth: object, *, finish_reason: str | None = None, limits: Limits = _DEFAULT_LIMITS
    ) -> Verdict:
        """`verify` for asyncio."""
        return await asyncio.to_thread(self.verify, response, ground_truth, finish_reason=finish_reason, limits=limits)

    def health(self) -> dict[str, Any]:
        """What the server says of itself: state, counters, sandbox layers."""
        status, body = self._exchange("GET", "/health", None)
        answer: dict[str, Any] = json.loads(body)
        return answer | {"http_status": status}

    def attempt(self, body: bytes) -> Verdict | str:
        """Send one request: a verdict, or in words what kept us from one and may pass."""
        try:
            status, answer = self._exchange("POST", "/verify", body)
        except (OSError, http.client.HTTPException) as error:
            return f"no answer ({type(error).__name__}: {error})"
        try:
            said = json.loads(answer)
            if status == http.client.OK:
                return verdict_from(said)
        except (ValueError, KeyError, TypeError) as error:
            return f"an answer that is not a verdict ({error})"
        if status == http.client.UNPROCESSABLE_ENTITY:
            raise GroundTruthError(str(said.get("error")))
        if status in {
            http.client.BAD_REQUEST,
            http.client.UNAUTHORIZED,
            http.client.NOT_FOUND,
            http.client.REQUEST_ENTITY_TOO_LARGE,
        }:
            return Verdict(status=Status.VERIFIER_ERROR, detail=f"HTTP {status}: {said.get('error')}")
        return f"HTTP {status}: {said.get('error')}"

    def _exchange(self, method: str, path: str, body: bytes | None) -> tuple[int, bytes]:
        """One request over this thread's connection; a kept connection that has gone stale is opened anew once."""
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.token}"} if self.token else {}
        )
        for is_last in (False, True):
            connection = self._connection()
            try:
                connection.request(method, self.url.path.rstrip("/") + path, body, headers)
                response = connection.getresponse()
                return response.status, response.read()
            except (ConnectionError, http.client.RemoteDisconnected):
                self._drop()
                if is_last:
                    raise
            except (OSError, http.client.HTTPException):
                self._drop()
                raise
        raise AssertionError("unreachable: the second try returns or raises")

    def _connection(self) -> http.client.HTTPConnection:
        if getattr(self._local, "connection", None) is None:
            kind = http.client.HTTPSConnection if self.url.scheme == "https" else http.client.HTTPConnection
            self._local.connection = kind(self.url.hostname or "", self.url.port, timeout=self.timeout_s)
        connection: http.client.HTTPConnection = self._local.connection
        return connection

    def _drop(self) -> None:
        self._connection().close()
        self._local.connection = None
