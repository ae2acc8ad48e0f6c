"""A fuzzer of the side that reads what programs write: never an exception, never a long time."""

import json
import random
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_reward.code import extract_program, judge_program
from or1_reward.code.cases import CallCase, CaseError, CheckCase
from or1_reward.code.compare import same_output
from or1_reward.code.judging import _NO_REPORT
from or1_reward.code.verdict import result_of
from or1_reward.comparison import Compare
from or1_reward.ground_truth import StdioTruth
from or1_reward.sandbox import SandboxError
from or1_reward.sandbox.inside import safe_json, values
from or1_reward.sandbox.worker import JailReport, Worker, WorkerLostError
from or1_reward.types import Limits

CALL = CallCase({"fn_name": "f", "args": [1]}, [1, 2.5, "x", None])
OPEN = CallCase({"expression": "f(1)"}, None, "truthy")
CHECK = CheckCase("assert f(1)", "", ())
MUCH_S = 3.0  # of this thread's CPU time; the slowest takes a fifth of it


def report(result: bytes = b"", judged: bytes = b"", status: int = 0) -> JailReport:
    fields = {name: getattr(_NO_REPORT, name) for name in _NO_REPORT.__slots__}
    return JailReport(**{**fields, "result": result, "judged": judged, "status": status})


def read(data: bytes) -> None:
    """Everything that reads a program's bytes; a check's word comes from a process without model code."""
    for case in (CALL, OPEN):
        assert case.decide(report(data)).passed in {True, False}
    assert result_of(CALL, report(data, status=256), Limits()).status
    with suppress(CaseError):
        CHECK.decide(report(judged=data))


def in_time(action: Any) -> None:
    started_s = time.thread_time()
    action()
    assert time.thread_time() - started_s < MUCH_S


TAGS = sorted(
    [*values._SIMPLE, "tuple", "set", "frozenset", "dict", "object", "ndarray", "namedtuple", "range", "slice"]
)
PLAIN = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
MESSAGES = st.recursive(
    PLAIN,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.fixed_dictionaries(
            {"t": st.sampled_from([*TAGS, "reference", "nonsense"]), "v": inner},
            optional={"n": inner, "f": inner, "d": inner, "s": inner, "k": inner},
        )
    ),
    max_leaves=20,
)


@given(MESSAGES, st.lists(st.tuples(st.text(max_size=4), st.dictionaries(st.text(max_size=3), MESSAGES))) | MESSAGES)
def test_no_message_raises(value: Any, objects: Any) -> None:
    read(json.dumps({"value": {"v": value, "o": objects}}).encode())


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes) -> None:
    read(data)
    read(b'{"value":{"v":' + data + b',"o":[]}}')


def test_no_mutation_of_a_real_message_raises() -> None:
    dice = random.Random(5)
    real = values.encode([1, {2: (3, {4})}, 2**90, 1.5, float("nan"), "x" * 20, b"y", range(3), 1j])
    for _ in range(2000):
        data = bytearray(values.to_bytes({"value": real}))
        for _ in range(dice.randrange(1, 6)):
            data[dice.randrange(len(data))] = dice.choice(b'[]{}",:0123456789abtv\\- \xff')
        read(bytes(data))


def message(value: str) -> bytes:
    return ('{"value":{"v":' + value + ',"o":[]}}').encode()


LARGE = "8" * 900_000
HOSTILE = {
    "deep": b"[" * 20_000_000,
    "deep in its limit": message("[" * 60_000 + "]" * 60_000),
    "strings without end": b'"' + b'\\"' * 400_000,
    "long number": message(LARGE),
    "long hexadecimal": message('{"t":"int","v":"' + LARGE + '"}'),
    "large fraction": message('{"t":"fraction","v":["' + LARGE + '","' + LARGE[:-1] + '7"]}'),
    "fraction in its limit": message('{"t":"fraction","v":["' + LARGE[:49_000] + '","' + LARGE[:48_999] + '7"]}'),
    "signaling nan": message('{"t":"decimal","v":"sNaN"}'),
    "signaling nan in a set": message('{"t":"set","v":[{"t":"decimal","v":"sNaN"}]}'),
    "huge exponent": message('{"t":"decimal","v":"1e999999999"}'),
    "long decimal": message('{"t":"decimal","v":"' + LARGE + '"}'),
    "equal hashes": message('{"t":"set","v":[' + ",".join(str(n * (2**61 - 1)) for n in range(20_000)) + "]}"),
    "wide": message("[" + "[]," * 300_000 + "[]]"),
    "range": message('{"t":"range","v":[0,999999999999999999,1]}'),
    "named": message('{"t":"namedtuple","v":[1],"n":"class","f":["import"]}'),
    "fields": message('{"t":"namedtuple","v":[],"n":"x","f":[' + '"a",' * 50_000 + '"a"]}'),
    "surrogates": message('"\\ud800"'),
    "not utf-8": b"\xff\xfe\xff",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_results_take_little_time(name: str) -> None:
    in_time(lambda: read(HOSTILE[name]))


def test_brackets_in_strings_are_no_depth() -> None:
    text = "[" * 5000 + '"\\'
    assert safe_json.loads(json.dumps([text]).encode(), 1 << 20) == [text]
    assert safe_json.loads(json.dumps(["9" * 9000]).encode(), 1 << 20) == ["9" * 9000]
    for bad in (b"[" * 300 + b"]" * 300, b"9" * 5000, b"[1", b'"x'):
        with pytest.raises(ValueError):
            safe_json.loads(bad, 1 << 20)


CODE = "```python\nprint(1)\n```"
SLOW_FOR_REGULAR_EXPRESSIONS = {
    "blanks behind a fence": CODE + "\n```" + " " * 300_000 + "`",
    "tabs behind a fence": CODE + "\n```" + "\t " * 150_000 + "x`",
    "one long fence": CODE + "\n" + "`" * 300_000,
    "many fences": CODE + "\n" + "```\n" * 100_000,
    "many tags": "<think>" * 40_000 + "</think>" * 40_000 + CODE,
    "quoted tags": "</think>```python\nx = '" + "</think>" * 40_000 + "'\n```",
    "fence behind text": "a ```" * 60_000,
    "long tag": "```" + "python" * 50_000,
}


@pytest.mark.parametrize("name", SLOW_FOR_REGULAR_EXPRESSIONS)
def test_extraction_is_linear(name: str) -> None:
    in_time(lambda: extract_program(SLOW_FOR_REGULAR_EXPRESSIONS[name]))


@given(st.text(alphabet="`~ pyto\n</think>'\"c+", max_size=400))
def test_no_response_raises(response: str) -> None:
    extract_program(response)


@given(
    st.text(alphabet="01.e+-NansiIf _\n\u0661\u00a0x", max_size=40),
    st.text(alphabet="01.e+-NansiIf _\n\u0661\u00a0x", max_size=40),
    st.sampled_from(["livecodebench", "exact", "tokens"]),
    st.booleans(),
    st.booleans(),
    st.none() | st.just(1e-6),
)
def test_no_output_raises(expected: str, got: str, rule: str, case: bool, order: bool, tolerance: float | None) -> None:
    compare = Compare(rule=rule, ignore_case=case, unordered_lines=order, tolerance=tolerance)
    assert same_output(expected, expected, compare)
    assert same_output(expected, got, compare) in {True, False}


@pytest.mark.parametrize("rule", ["livecodebench", "exact", "tokens"])
def test_a_flood_is_compared_quickly(rule: str) -> None:
    compare = Compare(rule=rule, tolerance=1e-6, unordered_lines=rule == "tokens")
    for flood in ("1 " * 5_000_000, "1\n" * 5_000_000, "1" * 10_000_000, "1e9999 " * 1_000_000):
        in_time(lambda text=flood: same_output("1\n2\n", text, compare))


def test_a_program_that_ends_our_processes_costs_one_restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a failure of the grader while an empty program runs well; SIGKILL from outside is retried as ever."""
    lost: list[bytes] = []
    real_report, real_program = Worker.report, Worker.set_program

    def remember(self: Worker, source: bytes) -> None:
        self.source = source  # type: ignore[attr-defined]
        real_program(self, source)

    def report_or_crash(self: Worker, *arguments: Any) -> Any:
        if b"crash" in self.source:  # type: ignore[attr-defined]
            lost.append(self.source)  # type: ignore[attr-defined]
            raise WorkerLostError("the keeper process is gone", was_killed=False)
        return real_report(self, *arguments)

    monkeypatch.setattr(Worker, "set_program", remember)
    monkeypatch.setattr(Worker, "report", report_or_crash)
    verdict = judge_program("crash = 1", StdioTruth(("",), ("",)))
    assert (verdict.status, len(lost)) == ("runtime_error", 2)
    monkeypatch.setattr(Worker, "report", lambda *_: (_ for _ in ()).throw(WorkerLostError("gone", was_killed=False)))
    assert judge_program("print(1)", StdioTruth(("",), ("1",))).status == "verifier_error"
    assert issubclass(WorkerLostError, SandboxError)
