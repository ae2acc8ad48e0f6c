"""A client of several grading servers: the least busy one gets the next response, one may die and come back."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from or1_reward.code_settings import CodeSettings
from or1_reward.grading import unpacked
from or1_reward.maths import MathSettings
from or1_reward.serve.client import RemoteGrader
from or1_reward.serve.wire import request_to
from or1_reward.types import Limits, Status, Verdict

_DEFAULT_LIMITS: Final = Limits()
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.25, 8.0
_PER_SERVER: Final = 8
_POLL_S: Final = 0.05


class _Server:
    """One server: how many of our requests it works on, and until when it is left alone."""

    def __init__(self, grader: RemoteGrader) -> None:
        self.grader = grader
        self.in_flight = 0
        self.rests_until_s = 0.0
        self.pause_s = _FIRST_PAUSE_S

    def rest(self) -> None:
        """Leave it alone for a while, the longer the more often in a row it has failed."""
        self.rests_until_s = time.monotonic() + self.pause_s * random.uniform(0.5, 1.5)
        self.pause_s = min(2 * self.pause_s, _LONGEST_PAUSE_S)


class RemoteGraders:
    """Judge on the servers at `urls`, with the methods of `RemoteGrader`.

    A server that is busy or away is left alone for a while (0.25 to 8 s) and its work goes to the others. When none has
    answered for `patience_s` the verdict is `verifier_error`, never a wrong answer.
    """

    def __init__(
        self,
        urls: Sequence[str],
        *,
        timeout_s: float = 330.0,
        patience_s: float = 60.0,
        token: str = "",
        code: CodeSettings | None = None,
        maths: MathSettings | None = None,
    ) -> None:
        """Take the servers' urls.

        Raises:
            ValueError: there is none, or one is no http url.
        """
        if not urls:
            raise ValueError("give the url of at least one server, such as http://grader:8711")
        self.code, self.maths = code or CodeSettings(), maths or MathSettings()
        self.patience_s = patience_s
        self._servers = [_Server(RemoteGrader(url, timeout_s=timeout_s, token=token)) for url in urls]
        self._lock = threading.Lock()

    def verify(
        self, response: str, ground_truth: object, *, finish_reason: str | None = None, limits: Limits = _DEFAULT_LIMITS
    ) -> Verdict:
        """Judge one response; arguments and result as `or1_reward.verify`.

        Raises:
            GroundTruthError: the row cannot be graded.
        """
        body = request_to(response, ground_truth, finish_reason, limits, self.code, self.maths)
        deadline_s, trouble = time.monotonic() + self.patience_s, "no server is reachable"
        while time.monotonic() < deadline_s:
            server = self._take()
            if server is None:
                time.sleep(_POLL_S)
                continue
            found = self._ask(server, body)
            if isinstance(found, Verdict):
                return found
            trouble = f"{server.grader.url.geturl()}: {found}"
        return Verdict(status=Status.VERIFIER_ERROR, detail=f"no verdict in {self.patience_s:g} s; {trouble}")

    def verify_many(
        self,
        items: Iterable[Mapping[str, Any] | Sequence[Any]],
        workers: int | None = None,
        *,
        limits: Limits = _DEFAULT_LIMITS,
    ) -> list[Verdict]:
        """Judge many responses with `workers` requests in flight (default: 8 per server); the order is kept."""

        def judge(item: Mapping[str, Any] | Sequence[Any]) -> Verdict:
            response, truth, reason = unpacked(item)
            return self.verify(response, truth, finish_reason=reason, limits=limits)

        threads = workers or _PER_SERVER * len(self._servers)
        with ThreadPoolExecutor(threads, thread_name_prefix="or1-reward-remote") as pool:
            return list(pool.map(judge, items))

    async def averify(
        self, response: str, ground_truth: object, *, finish_reason: str | None = None, limits: Limits = _DEFAULT_LIMITS
    ) -> Verdict:
        """`verify` for asyncio."""
        return await asyncio.to_thread(self.verify, response, ground_truth, finish_reason=finish_reason, limits=limits)

    def health(self) -> dict[str, dict[str, Any]]:
        """What each server says of itself, by url; {"status": "away"} for one that cannot be reached."""
        return {server.grader.url.geturl(): _health(server.grader) for server in self._servers}

    def _take(self) -> _Server | None:
        """The server with the fewest requests of ours; None while all are left alone."""
        with self._lock:
            now_s = time.monotonic()
            ready = [server for server in self._servers if server.rests_until_s <= now_s]
            if not ready:
                return None
            fewest = min(server.in_flight for server in ready)
            chosen = random.choice([server for server in ready if server.in_flight == fewest])
            chosen.in_flight += 1
            return chosen

    def _ask(self, server: _Server, body: bytes) -> Verdict | str:
        try:
            found = server.grader.attempt(body)
        finally:
            with self._lock:
                server.in_flight -= 1
        with self._lock:
            if isinstance(found, Verdict):
                server.pause_s = _FIRST_PAUSE_S
            else:
                server.rest()
        return found


def _health(grader: RemoteGrader) -> dict[str, Any]:
    try:
        return grader.health()
    except (OSError, ValueError) as error:
        return {"status": "away", "error": str(error)}
