"""A row's ground truth, told apart by its keys (the row format all OR1 packages and verl share).

`parse_ground_truth` turns the row's JSON text, or the object parsed from it, into one of six frozen kinds. Maths is a
string, a number or a list of alternatives; code is an object whose keys say the kind. A key whose value is null does
not count (tables pad missing columns with null). Everything else raises `GroundTruthError`: a row that cannot be
graded must never look like a wrong answer.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:  # rows seldom bring a comparison along: importing the package stays cheap
    from or1_reward.comparison import Compare

LANGUAGES: Final = ("python", "cpp")
_SPELLINGS: Final = {"c++": "cpp", "py": "python", "python3": "python", "pypy3": "python"}
_MOST: Final = 1e6


class GroundTruthError(ValueError):
    """The ground truth of a row is of no known kind; the message says which row, what was found and what to do."""


@dataclass(frozen=True, slots=True)
class MathTruth:
    """A maths answer: one of `alternatives` (LaTeX or plain text) is enough."""

    alternatives: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowLimits:
    """Limits that a row brings along; None leaves the caller's."""

    time_s: float | None = None
    memory_mb: int | None = None


_NO_LIMITS: Final = RowLimits()


@dataclass(frozen=True, slots=True)
class StdioTruth:
    """A program fed on standard input: `outputs[i]` is what it prints for `inputs[i]`.

    `checker` is the text of a Python program that judges an output instead of a comparison: it is started as
    `checker.py input.txt correct_output.txt solution_output.txt` and prints 1, true or ok to accept.
    """

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    compare: Compare | None = None
    checker: str = ""
    limits: RowLimits = _NO_LIMITS
    language: str = ""


@dataclass(frozen=True, slots=True)
class CallTruth:
    """A function or method `fn_name`; entries are JSON text (LiveCodeBench) or native lists (TACO)."""

    inputs: tuple[Any, ...]
    outputs: tuple[Any, ...]
    fn_name: str
    compare: Compare | None = None
    limits: RowLimits = _NO_LIMITS


@dataclass(frozen=True, slots=True)
class HarnessTruth:
    """Test code: a LeetCode harness that defines `check(candidate)`, or pytest or unittest tests.

    `entry_point` names the candidate; tests that import it (`from solution import f`) need none.
    """

    import_prefix: str
    test_code: str
    entry_point: str
    compare: Compare | None = None
    limits: RowLimits = _NO_LIMITS


@dataclass(frozen=True, slots=True)
class AssertTruth:
    """Assertions, one statement or test function per entry, run after `import_prefix` and the program."""

    assert_case: tuple[str, ...]
    import_prefix: str = ""
    fn_name: str = ""
    compare: Compare | None = None
    limits: RowLimits = _NO_LIMITS


@dataclass(frozen=True, slots=True)
class LiveCodeBenchTruth:
    """A LiveCodeBench problem, whose tests are looked up by `question_id`."""

    question_id: str


GroundTruth = MathTruth | StdioTruth | CallTruth | HarnessTruth | AssertTruth | LiveCodeBenchTruth

_LIMITS: Final = frozenset({"limits", "time_limit", "memory_limit"})
_CALL_OPTIONS: Final = _LIMITS | {"compare"}
_STDIO_OPTIONS: Final = _CALL_OPTIONS | {"checker", "language"}
_CODEFORCES_OPTIONS: Final = _STDIO_OPTIONS | {
    "generated_checker",
    "generated_tests",
    "input_mode",
    "interaction_format",
}
# What else a row of open-r1/codeforces carries; nothing of it changes the verdict.
_CODEFORCES_TEXTS: Final = frozenset(
    {
        "id", "aliases", "contest_id", "contest_name", "contest_type", "contest_start", "contest_start_year", "index",
        "title", "description", "input_format", "output_format", "note", "examples", "editorial", "rating", "tags",
        "testset_size", "official_tests_complete", "executable", "prompt",
    }
)  # fmt: skip
_KINDS: Final[dict[str, tuple[frozenset[str], frozenset[str]]]] = {  # kind: (required keys, optional keys)
    "codeforces": (frozenset({"official_tests"}), _CODEFORCES_OPTIONS | _CODEFORCES_TEXTS),
    "assert": (
        frozenset({"assert_case"}),
        _CALL_OPTIONS | {"import_prefix", "fn_name", "inputs", "outputs", "language"},
    ),
    "call": (frozenset({"inputs", "outputs", "fn_name"}), _CALL_OPTIONS | {"language"}),
    "stdio": (frozenset({"inputs", "outputs"}), _STDIO_OPTIONS),
    "harness": (frozenset({"test_code"}), _CALL_OPTIONS | {"import_prefix", "entry_point"}),
    "livecodebench": (frozenset({"question_id"}), frozenset()),
}
_KNOWN_KEYS: Final = sorted(
    frozenset().union(*(required | optional for required, optional in _KINDS.values())) - _CODEFORCES_TEXTS
)
_EXPECTED: Final = (
    "expected a maths answer (string, number, list of alternatives) or an object with the keys inputs + outputs "
    "[+ fn_name], test_code [+ entry_point] [+ import_prefix], assert_case [+ import_prefix], official_tests (a row of "
    "open-r1/codeforces), or question_id; compare, checker, limits and language are settings of a row"
)


def parse_ground_truth(ground_truth: object, *, row: str | int | None = None) -> GroundTruth:
    r"""Say which kind of problem a row is, and carry its parts.

    Args:
        ground_truth: the row's JSON text, or the object parsed from it. Text that is not JSON is a maths answer
            (`\frac{1}{2}`); so is a JSON list of bare numbers given as text, `[7, 47]`, because rows write
            alternatives as strings and an interval must not become two accepted answers. An already parsed truth is
            handed back.
        row: the row's id, named in the error message.

    Raises:
        GroundTruthError: neither maths nor a known kind of code problem.
    """
    if isinstance(ground_truth, GroundTruth):
        return ground_truth
    where = "ground truth" if row is None else f"ground truth of row {row!r}"
    value = _from_text(ground_truth, where) if isinstance(ground_truth, str) else ground_truth
    if isinstance(value, Mapping):
        return _code_truth({str(key): entry for key, entry in value.items() if entry is not None}, where)
    return MathTruth(_alternatives(value, where))


def _from_text(text: str, where: str) -> object:
    """The JSON object or list of strings in `text`, else the text itself: a maths answer."""
    if not text.lstrip().startswith(("{", "[", '"')):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        if re.match(rf'\s*\{{\s*"({"|".join(_KNOWN_KEYS)})"\s*:', text):
            message = f"{where}: starts like a code problem but is not JSON ({error}); repair the row"
            raise GroundTruthError(message) from error
        return text
    if isinstance(value, list):
        return value if len(value) < 2 or any(isinstance(entry, str) for entry in value) else text
    return value


def _alternatives(value: object, where: str) -> tuple[str, ...]:
    if hasattr(value, "tolist"):  # numpy scalars and arrays, as tables hand them over
        value = value.tolist()
    entries = list(value) if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]
    if not entries:
        raise GroundTruthError(f"{where}: an empty list of alternatives; give at least one answer or drop the row")
    return tuple(_answer_text(entry, where) for entry in entries)


def _answer_text(entry: object, where: str) -> str:
    if isinstance(entry, str) and entry.strip():
        return entry
    if entry is None or isinstance(entry, str):
        raise GroundTruthError(f"{where} is empty; give an answer or drop the row")
    number = isinstance(entry, int | float | Fraction | Decimal) and not isinstance(entry, bool)
    if number and math.isfinite(float(entry) if isinstance(entry, float) else 0) and len(_digits(entry)) > 0:
        return _digits(entry)
    raise GroundTruthError(f"{where}: {_shown(entry)} is not a maths answer; {_EXPECTED}")


def _digits(number: object) -> str:
    """A number's decimal spelling; empty where it has more digits than the interpreter prints."""
    try:
        return str(number)
    except ValueError:
        return ""


def _code_truth(fields: dict[str, Any], where: str) -> GroundTruth:
    for kind, (required, optional) in _KINDS.items():
        if required <= fields.keys() <= required | optional:
            return _BUILDERS[kind](fields, where)
    import difflib  # only on the way to an error

    unknown = sorted(fields.keys() - set(_KNOWN_KEYS))
    near = {key: difflib.get_close_matches(key, _KNOWN_KEYS, n=1) for key in unknown}
    hints = ", ".join(f"{key!r}" + (f" (did you mean {match[0]!r}?)" if match else "") for key, match in near.items())
    found = f"unknown keys {hints}" if unknown else f"keys {sorted(fields)} are not those of a known kind of problem"
    raise GroundTruthError(f"{where}: {found}; {_EXPECTED}")


def _stdio(fields: dict[str, Any], where: str) -> StdioTruth:
    inputs, outputs = _tests(fields, where)
    return StdioTruth(
        tuple(_stream(entry, "inputs", where) for entry in inputs),
        tuple(_stream(entry, "outputs", where) for entry in outputs),
        _compare(fields, where),
        _string(fields, "checker", where, default=""),
        _limits(fields, where),
        _language(fields, where, LANGUAGES),
    )


def _codeforces(fields: dict[str, Any], where: str) -> StdioTruth:
    """A row of open-r1/codeforces, as the data set has it."""
    if fields.get("interaction_format"):
        raise GroundTruthError(f"{where}: an interactive problem (interaction_format) cannot be judged; drop the row")
    if fields.get("input_mode", "stdio") != "stdio":
        raise GroundTruthError(f"{where}: input_mode {_shown(fields['input_mode'])} is not supported, only 'stdio'")
    tests = [*_sequence(fields, "official_tests", where), *(fields.get("generated_tests") or [])]
    if not all(isinstance(test, Mapping) and {"input", "output"} <= test.keys() for test in tests):
        raise GroundTruthError(f"{where}: every entry of 'official_tests' must be an object with input and output")
    checker = fields.get("checker") or fields.get("generated_checker") or ""
    plain = {key: value for key, value in fields.items() if key in _STDIO_OPTIONS}
    plain |= {"inputs": [test["input"] for test in tests], "outputs": [test["output"] for test in tests]}
    # Codeforces compares words, and asks a checker where that is not enough
    return _stdio({"compare": "tokens", **plain} | ({"checker": checker} if checker else {}), where)


def _call(fields: dict[str, Any], where: str) -> CallTruth:
    inputs, outputs = _tests(fields, where)
    _language(fields, where, ("python",))
    name = _string(fields, "fn_name", where)
    return CallTruth(tuple(inputs), tuple(outputs), name, _compare(fields, where), _limits(fields, where))


def _harness(fields: dict[str, Any], where: str) -> HarnessTruth:
    prefix = _string(fields, "import_prefix", where, default="")
    entry = _string(fields, "entry_point", where, default="")
    if "entry_point" in fields and not entry.strip():
        raise GroundTruthError(f"{where}: 'entry_point' must be a string that is not empty")
    code = _string(fields, "test_code", where)
    return HarnessTruth(prefix, code, entry, _compare(fields, where), _limits(fields, where))


def _assert(fields: dict[str, Any], where: str) -> AssertTruth:
    cases = _sequence(fields, "assert_case", where)
    if not all(isinstance(case, str) for case in cases):
        raise GroundTruthError(f"{where}: 'assert_case' must be a list of strings, one assertion each")
    if any(_is_filled(fields.get(key)) for key in ("inputs", "outputs")):
        raise GroundTruthError(f"{where}: assert_case beside inputs or outputs: give asserts or streams, not both")
    _language(fields, where, ("python",))
    prefix = _string(fields, "import_prefix", where, default="")
    name = _string(fields, "fn_name", where, default="")
    return AssertTruth(tuple(cases), prefix, name, _compare(fields, where), _limits(fields, where))


def _is_filled(value: Any) -> bool:
    """Whether a list of streams holds any; rows for verl's sandbox_fusion carry empty ones beside their asserts."""
    entries = value.tolist() if hasattr(value, "tolist") else value
    return bool(entries) and any(entry not in (None, "") for entry in entries)


def _compare(fields: dict[str, Any], where: str) -> Compare | None:
    if "compare" not in fields:
        return None
    from or1_reward.comparison import CompareError, parse_compare

    try:
        return parse_compare(fields["compare"])
    except CompareError as error:
        raise GroundTruthError(f"{where}: 'compare': {error}") from error


def _language(fields: dict[str, Any], where: str, known: Sequence[str]) -> str:
    given = fields.get("language", "")
    language = _SPELLINGS.get(given.lower(), given.lower()) if isinstance(given, str) else given
    if language and language not in known:
        raise GroundTruthError(f"{where}: language {_shown(language)} is not judged here; there are {', '.join(known)}")
    return str(language)


def _limits(fields: dict[str, Any], where: str) -> RowLimits:
    """`limits` as an object, or Codeforces' time_limit in seconds and memory_limit in megabytes."""
    given = fields.get("limits", {})
    if not isinstance(given, Mapping) or not given.keys() <= {"time_s", "memory_mb"}:
        raise GroundTruthError(f"{where}: 'limits' must be an object with time_s or memory_mb, not {_shown(given)}")
    time_s = _positive(given.get("time_s", fields.get("time_limit")), "time limit", where)
    memory_mb = _positive(given.get("memory_mb", fields.get("memory_limit")), "memory limit", where)
    return RowLimits(time_s=time_s, memory_mb=None if memory_mb is None else math.ceil(memory_mb))


def _positive(value: Any, what: str, where: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < _MOST:
        raise GroundTruthError(f"{where}: the {what} must be a positive number, not {_shown(value)}")
    return float(value)


def _livecodebench(fields: dict[str, Any], where: str) -> LiveCodeBenchTruth:
    question = fields["question_id"]
    if isinstance(question, bool) or not isinstance(question, str | int) or question == "":
        raise GroundTruthError(f"{where}: 'question_id' must be a string or an integer, not {_shown(question)}")
    return LiveCodeBenchTruth(str(question))


_BUILDERS: Final[dict[str, Callable[[dict[str, Any], str], GroundTruth]]] = {
    "codeforces": _codeforces,
    "call": _call,
    "stdio": _stdio,
    "harness": _harness,
    "assert": _assert,
    "livecodebench": _livecodebench,
}


def _tests(fields: dict[str, Any], where: str) -> tuple[list[Any], list[Any]]:
    inputs, outputs = _sequence(fields, "inputs", where), _sequence(fields, "outputs", where)
    if len(inputs) != len(outputs):
        raise GroundTruthError(f"{where}: {len(inputs)} inputs but {len(outputs)} outputs; each test needs both")
    return inputs, outputs


def _sequence(fields: dict[str, Any], key: str, where: str) -> list[Any]:
    value = fields[key].tolist() if hasattr(fields[key], "tolist") else fields[key]
    if not isinstance(value, list | tuple):
        raise GroundTruthError(f"{where}: {key!r} must be a list, not {_shown(value)}")
    if not value:
        raise GroundTruthError(f"{where}: {key!r} is empty; a problem without tests would pass anything, drop the row")
    return list(value)


def _string(fields: dict[str, Any], key: str, where: str, *, default: str | None = None) -> str:
    value = fields.get(key, default)
    if not isinstance(value, str) or (default is None and not value.strip()):
        raise GroundTruthError(f"{where}: {key!r} must be a string that is not empty, not {_shown(value)}")
    return value


def _stream(entry: object, key: str, where: str) -> str:
    """One test's text; TACO writes some as a list of lines."""
    if isinstance(entry, str):
        return entry
    if isinstance(entry, list) and all(isinstance(line, str) for line in entry):
        return "\n".join(entry)
    raise GroundTruthError(f"{where}: every entry of {key!r} must be text or a list of lines, not {_shown(entry)}")


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, int) or abs(value) < 10**60 else "an integer"
    return text if len(text) <= 60 else f"{text[:57]}..."
