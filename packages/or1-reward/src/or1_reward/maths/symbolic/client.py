"""The last step: sympy, asked through a worker process that is killed when it takes too long."""

from __future__ import annotations

import os
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from or1_reward.maths.budget import memory_limit_mb
from or1_reward.maths.parse.nodes import Node

MEMORY_MB: Final = 1024
PATIENCE_S: Final = 2.0  # wall clock that a proof may take where digits agree already
_MAX_WORKERS: Final = 4


class SymbolicFailureError(RuntimeError):
    """The symbolic worker failed; not the answer's fault, so no verdict on it."""


class SymbolicLimitError(RuntimeError):
    """A comparison ran into its limit of time or memory; `resource` says which."""

    def __init__(self, resource: str, message: str) -> None:
        """`resource` is `time` or `memory`."""
        super().__init__(message)
        self.resource = resource


if TYPE_CHECKING:  # processes are loaded with the first symbolic comparison
    from or1_reward.workers import WorkerPool


@lru_cache(1)
def _pool() -> WorkerPool:
    from or1_reward.workers import WorkerPool

    return WorkerPool(
        "or1_reward.maths.symbolic.worker", size=min(_MAX_WORKERS, os.cpu_count() or 1), memory_mb=MEMORY_MB
    )


def ask(left: Node, right: Node, time_s: float, *, digits_agree: bool = False) -> tuple[bool | None, float]:
    """Whether sympy finds two values equal; None where it cannot tell.

    Args:
        left: one value.
        right: the other.
        time_s: CPU time it may take.
        digits_agree: digits at points already agree; only a proof of either outcome is asked for, and not waited for
            longer than `PATIENCE_S` once a worker has started.

    Returns:
        The finding, and the CPU time it took.

    Raises:
        SymbolicLimitError: time or memory ran out.
        SymbolicFailureError: the worker died twice or cannot be started.
    """
    from or1_reward.workers import WorkerFailureError, WorkerMemoryError, WorkerTimeoutError

    request: dict[str, Any] = {"left": encoded(left), "right": encoded(right), "digits_agree": digits_agree}
    if (memory_mb := memory_limit_mb()) is not None:
        request["memory_mb"] = memory_mb
    try:
        answer = _pool().ask(request, time_s, wall_s=PATIENCE_S if digits_agree else None)
    except WorkerTimeoutError as error:
        raise SymbolicLimitError("time", f"sympy: {error}") from error
    except WorkerMemoryError as error:
        raise SymbolicLimitError("memory", f"sympy: {error}") from error
    except WorkerFailureError as error:
        raise SymbolicFailureError(str(error)) from error
    return answer["equal"], float(answer["cpu_s"])


def start_ahead() -> None:
    """Start sympy where it does not run yet, without waiting for it: a question may follow."""
    _pool().start_ahead()


def encoded(node: Node) -> list[Any]:
    """A tree as JSON: `[op, value, [arguments]]`, fractions as [top, bottom] in hexadecimal."""
    value = [hex(node.value.numerator), hex(node.value.denominator)] if isinstance(node.value, Fraction) else node.value
    return [node.op, value, [encoded(part) for part in node.args]]
