"""How an output is compared with the expected one: the setting of a row or of a run."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

RULES: Final = ("livecodebench", "exact", "tokens")
DEFAULT_TOLERANCE: Final = 1e-6
_WORDS: Final = (*RULES, "ignore_case", "unordered_lines", "tolerance")


class CompareError(ValueError):
    """A comparison that is not one; the message says which words there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """A rule and what it forgives.

    `rule`: `livecodebench` strips every line and takes two lines of equal decimals as equal (`101` for `00101`);
    `exact` keeps everything but blanks at the ends of lines and empty lines at the end; `tokens` compares the words of
    the whole output, whatever separates them.
    `tolerance`: two numbers of which one has a decimal point or exponent may differ by this much, absolutely or
    relative to the expected one. `unordered_lines`: the lines may come in any order (of a returned list: the items).
    """

    rule: str = "livecodebench"
    ignore_case: bool = False
    tolerance: float | None = None
    unordered_lines: bool = False

    def __post_init__(self) -> None:
        """Refuse unknown rules and tolerances that are no small positive number."""
        if self.rule not in RULES:
            raise CompareError(f"unknown rule {self.rule!r}{_hint(self.rule)}")
        bad = self.tolerance is not None and (
            isinstance(self.tolerance, bool)
            or not isinstance(self.tolerance, int | float)
            or not (math.isfinite(self.tolerance) and self.tolerance > 0)
        )
        if bad:
            raise CompareError(f"tolerance must be a positive number, not {self.tolerance!r}")
        if not isinstance(self.ignore_case, bool) or not isinstance(self.unordered_lines, bool):
            raise CompareError("ignore_case and unordered_lines are true or false")


LIVECODEBENCH: Final = Compare()


def parse_compare(value: object) -> Compare:
    """A comparison from its words (`exact,tolerance=1e-9`) or its fields as an object.

    Raises:
        CompareError: an unknown word or field, or a value out of range.
    """
    if isinstance(value, Compare):
        return value
    if isinstance(value, str):
        return Compare(**_from_words(value))
    if isinstance(value, Mapping):
        known = {field.name for field in fields(Compare)}
        for name in value:
            if name not in known:
                raise CompareError(f"unknown field {name!r} of a comparison{_hint(str(name))}")
        return Compare(**value)
    raise CompareError(f"a comparison is text or an object, not {value!r}{_hint('')}")


def _from_words(text: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in (part.strip() for part in text.split(",")):
        word, _, number = part.partition("=")
        if word in RULES and not number:
            found["rule"] = word
        elif word in {"ignore_case", "unordered_lines"} and not number:
            found[word] = True
        elif word == "tolerance":
            found["tolerance"] = _number(number) if number else DEFAULT_TOLERANCE
        else:
            raise CompareError(f"unknown comparison {part!r}{_hint(word)}")
    return found


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise CompareError(f"tolerance must be a positive number, not {text!r}") from error


def _hint(word: str) -> str:
    near = difflib.get_close_matches(word, _WORDS, n=1)
    return f"; did you mean {near[0]!r}?" if near else f"; there are {', '.join(_WORDS)}"
