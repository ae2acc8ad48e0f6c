"""Requests and verdicts as JSON: what goes over HTTP."""

from __future__ import annotations

import dataclasses
import difflib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, get_args, get_type_hints

from or1_reward.code_settings import CodeSettings
from or1_reward.comparison import LIVECODEBENCH, CompareError, parse_compare
from or1_reward.maths import MathSettings
from or1_reward.types import Limits, Status, TestResult, TestStatus, Verdict


class RequestError(ValueError):
    """A request that is not one; the message says what to repair."""


@dataclass(frozen=True, slots=True)
class Request:
    """One response to be judged."""

    response: str
    ground_truth: Any
    finish_reason: str | None = None
    limits: Limits = field(default_factory=Limits)
    settings: CodeSettings = field(default_factory=CodeSettings)
    maths: MathSettings = field(default_factory=MathSettings)


_KEYS: Final = ("response", "ground_truth", "finish_reason", "limits", "compare", "partial_scores", "maths")
_LIMITS: Final = tuple(field.name for field in dataclasses.fields(Limits))


def request_from(body: Any) -> Request:
    """Read a request. RequestError for unknown keys, missing keys and wrong types."""
    if not isinstance(body, Mapping):
        raise RequestError("the body must be a JSON object with the keys response and ground_truth")
    _refuse_unknown(body, _KEYS)
    if not isinstance(body.get("response"), str) or body.get("ground_truth") is None:
        raise RequestError("the body needs response (text) and ground_truth (JSON text or object)")
    finish_reason = body.get("finish_reason")
    if finish_reason is not None and not isinstance(finish_reason, str):
        raise RequestError("finish_reason must be text or null")
    limits = _limits_from(body.get("limits") or {})
    maths = _maths_from(body.get("maths") or {})
    return Request(body["response"], body["ground_truth"], finish_reason, limits, _settings_from(body), maths)


def _settings_from(body: Mapping[str, Any]) -> CodeSettings:
    partial = body.get("partial_scores") or False
    if not isinstance(partial, bool):
        raise RequestError("partial_scores must be true or false")
    try:
        compare = parse_compare(body["compare"]) if body.get("compare") else LIVECODEBENCH
    except (CompareError, TypeError) as error:
        raise RequestError(f"compare: {error}") from error
    return CodeSettings(compare=compare, partial_scores=partial)


_CHOICES: Final = {name: get_args(kind) for name, kind in get_type_hints(MathSettings).items() if get_args(kind)}
_MOST_SECONDS: Final = 60.0
_MOST_DIGITS: Final = 40


def _maths_from(fields: Any) -> MathSettings:
    if not isinstance(fields, Mapping):
        raise RequestError("maths must be an object")
    _refuse_unknown(fields, tuple(field.name for field in dataclasses.fields(MathSettings)))
    for name, value in fields.items():
        if name == "decimal_digits":
            good = value is None or (type(value) is int and 0 <= value <= _MOST_DIGITS)
        elif name.endswith("_s"):
            good = type(value) in (int, float) and 0 <= value <= _MOST_SECONDS
        else:
            good = value in _CHOICES[name]
        if not good:
            raise RequestError(f"maths.{name} must be as in or1_reward.maths.MathSettings, not {value!r}")
    return MathSettings(**fields)


def request_to(
    response: str,
    ground_truth: object,
    finish_reason: str | None,
    limits: Limits,
    settings: CodeSettings,
    maths: MathSettings | None = None,
) -> bytes:
    """The body of a request; settings that are the defaults stay out of it."""
    fields: dict[str, Any] = {"response": response, "ground_truth": ground_truth, "finish_reason": finish_reason}
    if maths is not None and maths != MathSettings():
        fields["maths"] = dataclasses.asdict(maths)
    fields |= {"limits": dataclasses.asdict(limits), "partial_scores": settings.partial_scores}
    if settings.compare != LIVECODEBENCH:
        fields["compare"] = dataclasses.asdict(settings.compare)
    return json.dumps(fields).encode()


def _limits_from(fields: Any) -> Limits:
    if not isinstance(fields, Mapping):
        raise RequestError("limits must be an object")
    _refuse_unknown(fields, _LIMITS)
    for name, value in fields.items():
        if value is None and name == "cpu_time_s":
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
            raise RequestError(f"limits.{name} must be a positive number, not {value!r}")
        if isinstance(value, float) and not name.endswith("_s"):
            raise RequestError(f"limits.{name} must be a whole number, not {value!r}")
    return Limits(**fields)


def _refuse_unknown(body: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in body:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            raise RequestError(
                f"unknown key {key!r}" + (f"; did you mean {near[0]!r}?" if near else f"; known: {known}")
            )


def verdict_to(verdict: Verdict) -> dict[str, Any]:
    """A verdict as a JSON object, its reward included."""
    return dataclasses.asdict(verdict) | {"reward": verdict.reward}


def verdict_from(body: Mapping[str, Any]) -> Verdict:
    """The verdict of a JSON object. ValueError, KeyError or TypeError when it is none."""
    fields = {key: value for key, value in body.items() if key not in {"reward", "tests", "status"}}
    tests = tuple(TestResult(**{**test, "status": TestStatus(test["status"])}) for test in body["tests"])
    return Verdict(status=Status(body["status"]), tests=tests, **fields)
