"""What or1-data asks of a verifier, and how one is found by name: it is handed in, never imported."""

from __future__ import annotations

import importlib
from typing import Any, Final, NamedTuple, Protocol

from or1_data.errors import ConfigError

DEFAULT_VERIFIER: Final = "or1_reward:verify"
_SOLVED: Final = 1.0
"""The reward of a gold or a program that is right; a part of the points is not."""


class Verdict(Protocol):
    """What a verifier says; `or1_reward.Verdict` is one."""

    @property
    def status(self) -> str:
        """A word such as `correct`, `wrong`, `verifier_error`."""

    @property
    def reward(self) -> float | None:
        """1.0, 0.0, or None where the verifier itself failed."""

    @property
    def extracted(self) -> str | None:
        """The answer or program that was judged."""


class Verifier(Protocol):
    """`verify(response, ground_truth)`: whether a text solves the problem with this ground truth (JSON text)."""

    def __call__(self, response: str, ground_truth: str) -> Verdict:
        """Judge one response."""


class VerifierFailed(Exception):  # noqa: N818  named after what happened; it is no programming error
    """The verifier could not judge: never to be taken for a wrong answer."""


def load_verifier(path: str = DEFAULT_VERIFIER) -> Verifier:
    """The function behind `package.module:name`.

    Raises:
        ConfigError: it cannot be imported; the message says what to install or write.
    """
    verifier: Verifier = load_object(path, "verifier")
    return verifier


def load_object(path: str, what: str) -> Any:
    """The object behind `package.module:name`, imported now.

    Raises:
        ConfigError: not of that form, or not to be imported.
    """
    module, _, name = path.partition(":")
    if not module or not name:
        raise ConfigError(f"{what} {path!r} must be written as package.module:name")
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        package = " (pip install or1-reward)" if path == DEFAULT_VERIFIER else ""
        raise ConfigError(
            f"{what} {path!r} cannot be imported ({error}); install it{package}, or name another"
        ) from error
    except AttributeError as error:
        raise ConfigError(f"{what} {path!r}: {module} has no {name}") from error


class Judged(NamedTuple):
    """A verdict that could be given: whether the response is right, what was judged, and what was wrong with it."""

    right: bool
    extracted: str
    why: str


def judged(verifier: Verifier, response: str, ground_truth: str) -> Judged:
    """The verifier's word on a response.

    Raises:
        VerifierFailed: the verifier failed twice.
    """
    for _ in range(2):
        verdict = verifier(response, ground_truth)
        if verdict.reward is not None:
            detail = str(getattr(verdict, "detail", "") or "")
            why = f"{verdict.status}: {detail}".strip(": ")
            return Judged(verdict.reward >= _SOLVED, str(verdict.extracted or ""), why)
    raise VerifierFailed(str(getattr(verdict, "detail", verdict.status)))


def correct(verifier: Verifier, response: str, ground_truth: str) -> bool:
    """Whether the response is right.

    Raises:
        VerifierFailed: the verifier failed twice.
    """
    return judged(verifier, response, ground_truth).right
