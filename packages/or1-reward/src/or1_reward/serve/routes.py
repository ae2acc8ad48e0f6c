"""What each address of the server does: read a body, then work on it in a thread of the pool."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from or1_reward.code import verify_code
from or1_reward.grading import Grader
from or1_reward.ground_truth import MathTruth, parse_ground_truth
from or1_reward.sandbox import Sandbox
from or1_reward.serve.sandbox_fusion import RunRequest, SubmitRequest
from or1_reward.serve.wire import Request, request_from, verdict_to
from or1_reward.types import Verdict

Work = Callable[[threading.Event], dict[str, Any]]


def judge(request: Request, sandbox: Sandbox, cancel: threading.Event) -> Verdict:
    """One verdict; GroundTruthError when the row cannot be graded."""
    truth = parse_ground_truth(request.ground_truth)
    if isinstance(truth, MathTruth) or request.finish_reason == "length":
        grader = Grader(request.maths)
        return grader.verify(request.response, truth, finish_reason=request.finish_reason, limits=request.limits)
    settings = request.settings
    return verify_code(request.response, truth, request.limits, settings=settings, cancel=cancel, sandbox=sandbox)


@dataclass(frozen=True, slots=True)
class _Verify:
    request: Request

    @classmethod
    def from_body(cls, body: Any) -> _Verify:
        return cls(request_from(body))

    def answer(self, sandbox: Sandbox, cancel: threading.Event) -> dict[str, Any]:
        return verdict_to(judge(self.request, sandbox, cancel))


_KINDS: Final[dict[str, type[_Verify | RunRequest | SubmitRequest]]] = {
    "/verify": _Verify,
    "/run_code": RunRequest,
    "/submit": SubmitRequest,
}
PATHS: Final = tuple(_KINDS)


def work_for(path: str, body: Any, sandbox: Sandbox) -> Work:
    """The work that a request asks for.

    Raises:
        RequestError: the body is no request.
        GroundTruthError: the row cannot be graded.
    """
    request = _KINDS[path].from_body(body)
    return lambda cancel: request.answer(sandbox, cancel)
