"""Call a function that may take long or raise, with a limit on the time that is waited for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Final

CHECKER_LIMIT_S: Final = 10.0


class CallFailedError(Exception):
    """The function raised, or did not return in time; says which."""


def call_within(limit_s: float, function: Callable[[], bool]) -> bool:
    """The function's result.

    A function that does not return in time is left behind in a daemon thread: Python cannot end it.

    Raises:
        CallFailedError: it raised, or took longer than the limit.
    """
    results: list[bool] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(bool(function()))
        except BaseException as error:  # noqa: BLE001 - what a checker raises becomes a verdict, SystemExit too
            errors.append(error)

    thread = threading.Thread(target=run, name="or1-reward-checker", daemon=True)
    thread.start()
    thread.join(limit_s)
    if errors:
        raise CallFailedError(f"it raised {type(errors[0]).__name__}: {errors[0]}")
    if not results:
        raise CallFailedError(f"it did not return within {limit_s:g} s")
    return results[0]
