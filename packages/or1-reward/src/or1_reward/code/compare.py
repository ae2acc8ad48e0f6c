"""When two outputs or two returned values are the same, by the rules of a `Compare`.

The default is LiveCodeBench's rule, restated. Standard output: both texts are stripped, split into lines, each line
stripped; the numbers of lines must agree, and each pair of lines is either the same text or, token by token, the same
decimal numbers, exactly and without tolerance. Returned values: Python's `==` on plain data, after tuples have become
lists (LiveCodeBench turns only the outermost tuple; nested ones come from the same return statement).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation
from itertools import islice
from typing import Any, Final

from or1_reward.comparison import LIVECODEBENCH, Compare

_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?P<point>\.[0-9]*)?|(?P<bare>\.[0-9]+))(?P<exponent>[eE][+-]?[0-9]{1,4})?")
_BLANKS: Final = re.compile(r"([ \t]+)")
_WORD: Final = re.compile(r"[^ \t\n\r\f\v]+")
_SPACE: Final = " \t\n\r\f\v"
_MOST_DIGITS: Final = 400
_FLOOD, _FLOOD_CHARACTERS = 64, 1 << 20
Same = Callable[[str, str], bool]


def same_output(expected: str, got: str, compare: Compare = LIVECODEBENCH) -> bool:
    """Whether a program's output is the expected one. Memory and time go with the expected text, not with a flood."""
    if compare.rule == "livecodebench" and compare == LIVECODEBENCH:
        return _livecodebench(expected, got)
    if len(got) > _FLOOD * len(expected) + _FLOOD_CHARACTERS:
        return False
    if compare.ignore_case:
        expected, got = expected.casefold(), got.casefold()
    same = _token_rule(compare)
    if compare.rule == "tokens" and not compare.unordered_lines:
        words = _words(expected)
        return _same_tokens(words, _words(got, len(words) + 1), same)
    wanted, seen = _lines(expected, compare.rule), _lines(got, compare.rule)
    if len(wanted) != len(seen):
        return False
    if compare.unordered_lines:
        wanted, seen = sorted(wanted), sorted(seen)
    split: Callable[[str], Sequence[str]] = _cells if compare.rule == "exact" else _words
    return all(
        one == other or _same_tokens(split(one), split(other), same) for one, other in zip(wanted, seen, strict=True)
    )


def _livecodebench(expected: str, got: str) -> bool:
    wanted, seen = expected.strip(), got.strip()
    if wanted == seen:
        return True
    if wanted.count("\n") != seen.count("\n"):
        return False
    return all(
        one.strip() == other.strip() or _same_numbers(one, other)
        for one, other in zip(wanted.split("\n"), seen.split("\n"), strict=True)
    )


def _same_numbers(expected: str, got: str) -> bool:
    wanted = expected.split()
    seen = got.split(None, len(wanted))  # at most one word more than wanted
    return len(wanted) == len(seen) and all(map(_same_decimal, wanted, seen))


def _same_decimal(expected: str, got: str) -> bool:
    try:
        return Decimal(expected) == Decimal(got)
    except InvalidOperation:
        return False


def _token_rule(compare: Compare) -> Same:
    """How two words are compared under a rule that is not the default."""
    tolerance = compare.tolerance
    exact: Same = _same_decimal if compare.rule == "livecodebench" else lambda one, other: one == other
    if tolerance is None:
        return exact
    return lambda one, other: one == other or exact(one, other) or _near(one, other, tolerance)


def _near(expected: str, got: str, tolerance: float) -> bool:
    """Two decimal numbers, of which one is no plain integer, within the tolerance."""
    if max(len(expected), len(got)) > _MOST_DIGITS:
        return False
    one, other = _NUMBER.fullmatch(expected), _NUMBER.fullmatch(got)
    if one is None or other is None or not (_is_real(one) or _is_real(other)):
        return False
    return is_near(float(expected), float(got), tolerance)


def _is_real(match: re.Match[str]) -> bool:
    return any(match[name] is not None for name in ("point", "bare", "exponent"))


def is_near(expected: float, got: float, tolerance: float) -> bool:
    """|expected - got| <= tolerance * max(1, |expected|)."""
    return expected == got or abs(expected - got) <= tolerance * max(1.0, abs(expected))


def _words(text: str, most: int | None = None) -> Sequence[str]:
    """The words of a text, which ASCII blanks separate; at most so many of them."""
    return [match[0] for match in islice(_WORD.finditer(text), most)]


def _lines(text: str, rule: str) -> list[str]:
    if rule == "exact":
        return [line.rstrip(" \t\r") for line in text.rstrip("\n\r \t").split("\n")]
    if rule == "tokens":
        return [stripped for line in text.split("\n") if (stripped := line.strip(_SPACE))]
    return [line.strip() for line in text.strip().split("\n")]


def _cells(line: str) -> list[str]:
    """Words and the blanks between them."""
    return _BLANKS.split(line)


def _same_tokens(wanted: Sequence[str], seen: Sequence[str], same: Same) -> bool:
    return len(wanted) == len(seen) and all(map(same, wanted, seen))


def as_lists(value: Any) -> Any:
    """The value with every tuple turned into a list, as JSON would have it."""
    if isinstance(value, tuple | list):
        return [as_lists(item) for item in value]
    if isinstance(value, dict):
        return {key: as_lists(item) for key, item in value.items()}
    return value


def same_value(expected: Any, got: Any, compare: Compare = LIVECODEBENCH) -> bool:
    """Whether a returned value is the expected JSON value."""
    return equal(as_lists(expected), as_lists(got), compare)


def same_as_json(expected: Any, got: Any, compare: Compare = LIVECODEBENCH) -> bool:
    """As `same_value`, or with keys that are no text compared as JSON writes them (`{1: 2}` is `{"1": 2}`)."""
    if same_value(expected, got, compare):
        return True
    seen = as_lists(got)
    return _has_number_keys(seen) and equal(as_lists(expected), _with_text_keys(seen), compare)


def equal(expected: Any, got: Any, compare: Compare) -> bool:
    """Python's `==`, with what the comparison forgives."""
    if compare.tolerance is None and not compare.ignore_case and not compare.unordered_lines:
        return bool(got == expected)
    if compare.unordered_lines and isinstance(expected, list | tuple) and isinstance(got, list | tuple):
        expected, got = sorted(expected, key=repr), sorted(got, key=repr)
    return _forgiving(expected, got, compare)


def _forgiving(expected: Any, got: Any, compare: Compare) -> bool:
    if isinstance(expected, list | tuple) and type(got) is type(expected):
        return len(expected) == len(got) and all(
            _forgiving(one, other, compare) for one, other in zip(expected, got, strict=True)
        )
    if isinstance(expected, dict) and isinstance(got, dict):
        return expected.keys() == got.keys() and all(_forgiving(expected[key], got[key], compare) for key in expected)
    if compare.ignore_case and isinstance(expected, str) and isinstance(got, str):
        return expected.casefold() == got.casefold()
    if compare.tolerance is not None and _is_number(expected) and _is_number(got):
        return bool(got == expected) or _near_numbers(expected, got, compare.tolerance)
    return bool(got == expected)


def _near_numbers(expected: Any, got: Any, tolerance: float) -> bool:
    if isinstance(expected, int) and isinstance(got, int):
        return False
    try:
        return is_near(float(expected), float(got), tolerance)
    except OverflowError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _has_number_keys(value: Any) -> bool:
    if isinstance(value, list):
        return any(map(_has_number_keys, value))
    return isinstance(value, dict) and any(not isinstance(key, str) or _has_number_keys(value[key]) for key in value)


def _with_text_keys(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_text_keys(item) for item in value]
    if isinstance(value, dict):
        return {_json_key(key): _with_text_keys(item) for key, item in value.items()}
    return value


def _json_key(key: Any) -> Any:
    """A key as JSON writes it."""
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return str(key) if isinstance(key, float) or (isinstance(key, int) and abs(key) < 10**18) else key
