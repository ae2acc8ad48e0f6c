# ruff: noqa: E501 - programs under test, kept on one line each
"""Every row kind: what passes, what fails, with which status, and what people are told."""

import base64
import json
import pickle
import resource
import threading
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest

from or1_reward.code import judge_program, livecodebench, verify_code
from or1_reward.code.cases import CaseError
from or1_reward.code.livecodebench import VARIABLE, decode_tests, look_up
from or1_reward.code.tasks import cases_of
from or1_reward.ground_truth import (
    AssertTruth,
    CallTruth,
    HarnessTruth,
    LiveCodeBenchTruth,
    StdioTruth,
    parse_ground_truth,
)
from or1_reward.types import Limits, Status, TestStatus

ADD = StdioTruth(("1 2\n", "5 5\n", "0 -3\n"), ("3\n", "10\n", "-3\n"))
NODES = """
class ListNode:
    def __init__(self, val=0, next=None):
        self.val = val
        self.next = next

def list_node(values):
    head = None
    for value in reversed(values):
        head = ListNode(value, head)
    return head

def is_same_list(one, two):
    while one and two:
        if one.val != two.val:
            return False
        one, two = one.next, two.next
    return one is None and two is None
"""


def status(program: str, truth: object, **limits: float) -> Status:
    return judge_program(program, truth, Limits(**limits)).status


def test_stdin_and_stdout() -> None:
    verdict = judge_program("a, b = map(int, input().split())\nprint(a + b)", ADD)
    assert (verdict.status, verdict.reward) == (Status.CORRECT, 1.0)
    assert [test.status for test in verdict.tests] == [Status.CORRECT] * 3
    assert all(test.elapsed_s > 0 and test.memory_mb > 1 for test in verdict.tests)


def test_the_first_failure_is_shown_and_ends_the_run() -> None:
    program = "import sys\na, b = map(int, input().split())\nprint('hm', file=sys.stderr)\nprint(abs(a + b))"
    verdict = judge_program(program, ADD)
    assert (verdict.status, verdict.reward, len(verdict.tests)) == (Status.WRONG, 0.0, 3)
    for part in ("test 3 of 3", "0 -3", "expected: -3", "got: 3", "hm"):
        assert part in verdict.detail
    early = judge_program("print(0)", ADD)
    assert len(early.tests) == 1
    assert len(judge_program("print(0)", ADD, early_stop=False).tests) == 3


def test_long_texts_are_shortened() -> None:
    verdict = judge_program("print('y' * 100000)", StdioTruth(("x" * 100_000,), ("z" * 100_000,)))
    assert len(verdict.detail) < 2500


def test_calls_of_methods_and_functions() -> None:
    method = "class Solution:\n    def add(self, a: int, b: List[int]) -> int:\n        return a + sum(b)"
    free = "memory = {}\ndef add(a, b):\n    memory[a] = 1\n    return a if not b else add(a + b[0], b[1:])"
    truth = CallTruth(("1\n[2, 3]", "0\n[]"), ("6", "0"), "add")
    assert status(method, truth) is Status.CORRECT
    assert status(free, truth) is Status.CORRECT
    assert status(method.replace("sum", "len"), truth) is Status.WRONG
    assert status("def other(): pass", truth) is Status.RUNTIME_ERROR


def test_calls_with_native_values_as_taco_writes_them() -> None:
    truth = parse_ground_truth({"inputs": [[1, [2, 3]], [4, []]], "outputs": [[6], 4], "fn_name": "add"})
    assert status("def add(a, b): return a + sum(b)", truth) is Status.CORRECT
    assert status("def add(a, b): return a - sum(b)", truth) is Status.WRONG


@pytest.mark.parametrize("given", [5, None, True, 1.5, {"a": 1}])
@pytest.mark.parametrize("expected", ["x", "[1]", [1], 5, None])
def test_native_arguments_that_are_no_list_are_the_rows_fault(given: object, expected: object) -> None:
    with pytest.raises(CaseError, match=r"f cannot be read.*not a list of arguments"):
        cases_of(parse_ground_truth({"inputs": [given], "outputs": [expected], "fn_name": "f"}))


def test_a_function_is_not_found_in_the_prelude() -> None:
    assert status("x = 1", CallTruth(('"a"\n"abc"',), ("null",), "search")) is Status.RUNTIME_ERROR


def test_printing_in_a_call_is_no_answer() -> None:
    assert status("def f(x):\n    print(x)\n", CallTruth(("1",), ("1",), "f")) is Status.WRONG
    assert status("def f(x):\n    print('noise')\n    return x", CallTruth(("1",), ("1",), "f")) is Status.CORRECT


def test_leetcode_harness() -> None:
    truth = HarnessTruth(
        "from typing import *\n",
        "def check(candidate):\n    assert candidate(nums=[2, 7], t=9) == [0, 1]\n    assert candidate(nums=[3], t=3) == []\n",
        "Solution().two",
    )
    good = (
        "class Solution:\n    def two(self, nums: List[int], t: int):\n        return [0, 1] if len(nums) == 2 else []"
    )
    assert status(good, truth) is Status.CORRECT
    assert status(good.replace("[0, 1]", "(0, 1)"), truth) is Status.WRONG  # Python's ==, as in the harness
    assert status(good.replace("else []", "else None"), truth) is Status.WRONG


def test_harness_with_objects_goes_through_the_judge() -> None:
    test = "def check(candidate):\n    assert is_same_list(candidate(head = list_node([1, 2, 3])), list_node([3, 2, 1]))\n    assert is_same_list(candidate(head = list_node([])), None)\n"
    truth = HarnessTruth(NODES, test, "Solution().reverse")
    good = "class Solution:\n    def reverse(self, head):\n        before = None\n        while head:\n            head.next, before, head = before, head, head.next\n        return before"
    assert status(good, truth) is Status.CORRECT
    assert status(good.replace("return before", "return head"), truth) is Status.WRONG
    assert status("class Solution:\n    def reverse(self, head):\n        return 1 / 0", truth) is Status.WRONG


def test_checks_with_loops_mutation_and_exceptions() -> None:
    test = """
import random
def check(candidate):
    for size in range(3):
        items = [random.random() for _ in range(size)]
        kept = items
        wanted = sorted(items)
        assert candidate(items) is None
        assert items == wanted and kept is items
    try:
        candidate(None)
        assert False
    except TypeError:
        pass
"""
    truth = HarnessTruth("", test, "arrange")
    assert status("def arrange(x):\n    x.sort()", truth) is Status.WRONG  # AttributeError for None
    assert (
        status("def arrange(x):\n    if x is None:\n        raise TypeError('no')\n    x.sort()", truth)
        is Status.CORRECT
    )
    assert (
        status(
            "def arrange(x):\n    if x is None:\n        raise TypeError('no')\n    x.reverse()\n    x.append(1)", truth
        )
        is Status.WRONG
    )


def test_assert_cases() -> None:
    good = "def search(x, items):\n    return sum(item < x for item in items)\nclass Box:\n    def __init__(self): self.kept = []\n    def push(self, x): self.kept.append(x)\n    def pop(self): return self.kept.pop()"
    cases = (
        "assert search(5, [1, 9]) == 1", "assert (search(5, (1, 9))) == (1)", "assert 2 == search(9, [1, 2])", "assert not search(0, [1])",
        "assert search(1, []) is not None", "assert set([search(2, [1])]) == {1}", "assert abs(search(3, [1]) - 1.0) < 1e-9",
        "box = Box()\nbox.push(3)\nbox.push(4)\nassert box.pop() == 4\nassert box.pop() == 3",
    )  # fmt: skip
    assert status(good, AssertTruth(cases)) is Status.CORRECT
    for case in cases:
        wrong = "def search(x, items):\n    return None\nclass Box:\n    def push(self, x): pass\n    def pop(self): return 0"
        assert status(wrong, AssertTruth((case,))) in {Status.WRONG, Status.RUNTIME_ERROR} or case == cases[3], case


def test_a_function_may_have_the_name_of_a_builtin() -> None:
    assert (
        status(
            "def sum(a, b):\n    return a * b", AssertTruth(("assert sum(10, 15) == 150", "assert [sum(1, 2)] == [2]"))
        )
        is Status.CORRECT
    )


def test_a_program_cannot_bring_its_own_comparison() -> None:
    cheat = "def isclose(*a, **k): return True\ndef sorted(x): return [1, 2]\ndef f(x): return 0"
    assert status(cheat, AssertTruth(("assert isclose(f(1), 3.0)",))) is Status.WRONG
    assert status(cheat, AssertTruth(("assert sorted(f(1)) == [1, 2]",))) is Status.WRONG


@pytest.mark.parametrize(
    "truth",
    [
        StdioTruth((), ()),
        CallTruth((), (), "f"),
        AssertTruth(()),
        AssertTruth(("x = 1",)),
        AssertTruth(("assert True",)),
        AssertTruth(("assert f( ==",)),
        HarnessTruth("", "def check(candidate):\n    pass\n", "f"),
        HarnessTruth("", "def check(candidate):\n    for x in []:\n        assert candidate(x)\n", "f"),
        HarnessTruth("", "x = 1\n", "f"),
        HarnessTruth("", "def check(candidate:\n", "f"),
        CallTruth(("not json",), ("1",), "f"),
        LiveCodeBenchTruth("nowhere"),
    ],
)
def test_a_row_that_tests_nothing_never_passes(truth: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    verdict = judge_program("def f(x):\n    return 1", truth)
    assert (verdict.status, verdict.reward) == (Status.VERIFIER_ERROR, None)
    assert verdict.detail


@pytest.mark.parametrize(
    ("program", "wanted", "limit"),
    [
        ("while True: pass", Status.TIME_LIMIT, None),
        ("import time\ntime.sleep(60)", Status.TIME_LIMIT, "wall"),
        ("x = [0] * (1 << 28)", Status.MEMORY_LIMIT, "memory"),
        ("x = bytearray(300 << 20)\nprint(1)", Status.MEMORY_LIMIT, "memory"),
        ("print('x' * (9 << 20))", Status.RUNTIME_ERROR, "output"),
        ("kept = [open('/dev/null') for _ in range(1000)]", Status.RUNTIME_ERROR, "open_files"),
        (
            "import os\nfor _ in range(100):\n    if not os.fork():\n        import time\n        time.sleep(9)",
            Status.RUNTIME_ERROR,
            "processes",
        ),
        ("import sys\nsys.exit(3)", Status.RUNTIME_ERROR, ""),
        ("raise ValueError", Status.RUNTIME_ERROR, ""),
        ("import os\nos.abort()", Status.RUNTIME_ERROR, ""),
        ("def f(:", Status.SYNTAX_ERROR, ""),
        ("print(1", Status.SYNTAX_ERROR, ""),
        ("print(1)\0", Status.SYNTAX_ERROR, ""),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", Status.RUNTIME_ERROR, ""),
        ("exec('1 +')", Status.RUNTIME_ERROR, ""),
        ("print(2)", Status.WRONG, ""),
        ("print(1)", Status.CORRECT, ""),
    ],
)
def test_each_end_has_its_status(program: str, wanted: Status, limit: str | None) -> None:
    limits = Limits(time_s=0.7, memory_mb=256, output_mb=8, open_files=64, processes=16)
    verdict = judge_program(program, StdioTruth(("",), ("1",)), limits)
    assert verdict.status is wanted, verdict.detail
    assert limit is None or verdict.tests[0].limit == limit
    assert verdict.tests[0].status.verdict is wanted
    names = {"wall": "time", "open_files": "open_file", "processes": "process"}
    if limit:
        assert verdict.tests[0].status == f"{names.get(limit, limit)}_limit"


def test_cpu_time_is_told_from_wall_clock_time() -> None:
    limits = Limits(time_s=5.0, cpu_time_s=0.4)
    verdict = judge_program("while True: pass", StdioTruth(("",), ("1",)), limits)
    assert (verdict.status, verdict.tests[0].status) == (Status.TIME_LIMIT, TestStatus.CPU_LIMIT)


def test_every_test_status_has_a_verdict_of_the_closed_list() -> None:
    finer = {"cpu_limit": "time_limit", "problem_limit": "time_limit"}
    finer |= dict.fromkeys(("output_limit", "disk_limit", "process_limit", "open_file_limit"), "runtime_error")
    assert {status.value: status.verdict.value for status in TestStatus} == {
        status.value: finer.get(status.value, status.value) for status in TestStatus
    }


def test_disk_limit() -> None:
    program = "for n in range(20):\n    with open(str(n), 'wb') as file:\n        file.write(b'x' * (4 << 20))"
    verdict = judge_program(program, StdioTruth(("",), ("1",)), Limits(time_s=3.0))
    assert (verdict.status, verdict.tests[0].status) == (Status.RUNTIME_ERROR, TestStatus.DISK_LIMIT)


def test_the_problem_has_a_time_limit_of_its_own() -> None:
    truth = StdioTruth(("",) * 50, ("1",) * 50)
    started_s = time.monotonic()
    verdict = judge_program("import time\ntime.sleep(0.3)\nprint(1)", truth, Limits(problem_time_s=1.0))
    assert (verdict.status, verdict.tests[-1].status) == (Status.TIME_LIMIT, TestStatus.PROBLEM_LIMIT)
    assert time.monotonic() - started_s < 10


def test_checkers_for_several_valid_outputs() -> None:
    truth = StdioTruth(("10",), ("3 7",))

    def adds_up(given: str, expected: str, got: str) -> bool:
        return sum(map(int, got.split())) == int(given) and len(got.split()) == len(expected.split())

    assert judge_program("print(4, 6)", truth, checker=adds_up).status is Status.CORRECT
    assert judge_program("print(4, 5)", truth, checker=adds_up).status is Status.WRONG
    assert judge_program("print(4, 6)", truth).status is Status.WRONG


def test_cancellation() -> None:
    cancel = threading.Event()
    threading.Timer(0.3, cancel.set).start()
    started_s = time.monotonic()
    verdict = judge_program("while True: pass", StdioTruth(("",), ("",)), Limits(time_s=30.0), cancel=cancel)
    assert (verdict.status, verdict.reward) == (Status.VERIFIER_ERROR, None)
    assert time.monotonic() - started_s < 10


def test_responses_without_code() -> None:
    assert verify_code("I do not know.", ADD).status is Status.NO_ANSWER
    assert verify_code("<think>```python\nprint(1)\n```</think>", ADD).status is Status.NO_ANSWER
    fenced = "Sure.\n```py\na, b = map(int, input().split())\nprint(a + b)\n```"
    assert verify_code(fenced, ADD).status is Status.CORRECT


def test_a_flood_costs_the_grader_no_memory() -> None:
    """A million tiny values would be hundreds of bytes each as Python objects here."""
    floods = {
        "def f(x):\n    return [[] for _ in range(1000000)]": CallTruth(("1",), ("[]",), "f"),
        "print('1 ' * 1500000)": StdioTruth(("",), ("2",)),
        "print('1\\n' * 1500000)": StdioTruth(("",), ("2\n3",)),
    }
    tracemalloc.start()
    try:
        for program, truth in floods.items():
            assert status(program, truth, memory_mb=2048, time_s=30.0) in {Status.WRONG, Status.RUNTIME_ERROR}
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()


# LiveCodeBench


def packed(tests: list[dict]) -> str:
    return base64.b64encode(zlib.compress(pickle.dumps(json.dumps(tests)))).decode()


def write_problems(folder: Path) -> None:
    stdin = [{"input": "1\n", "output": "2\n", "testtype": "stdin"}]
    more = [{"input": "5\n", "output": "6\n", "testtype": "stdin"}]
    calls = [{"input": "[1, 2]\n3", "output": "6", "testtype": "functional"}]
    rows = [
        {"question_title": "t", "question_content": 'says "question_id": "fake"', "question_id": "abc_a", "public_test_cases": json.dumps(stdin), "private_test_cases": packed(more), "metadata": "{}"},
        {"question_id": "2777", "public_test_cases": json.dumps(calls), "private_test_cases": json.dumps(calls), "metadata": json.dumps({"func_name": "total"})},
        {"question_id": "empty", "public_test_cases": "[]", "private_test_cases": "[]", "metadata": "{}"},
    ]  # fmt: skip
    (folder / "test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows[:2]))
    (folder / "test2.jsonl").write_text(json.dumps(rows[2]) + "\n")


def test_livecodebench_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_problems(tmp_path)
    monkeypatch.setenv(VARIABLE, str(tmp_path))
    assert look_up("abc_a") == StdioTruth(("1\n", "5\n"), ("2\n", "6\n"))
    assert look_up("2777").fn_name == "total"
    assert status("print(int(input()) + 1)", LiveCodeBenchTruth("abc_a")) is Status.CORRECT
    assert status("print(2)", LiveCodeBenchTruth("abc_a")) is Status.WRONG  # the private test
    total = "class Solution:\n    def total(self, items, more):\n        return sum(items) + more"
    assert status(total, LiveCodeBenchTruth("2777")) is Status.CORRECT
    for missing in ("empty", "fake", "other"):
        verdict = judge_program("print(1)", LiveCodeBenchTruth(missing))
        assert verdict.status is Status.VERIFIER_ERROR
        assert missing in verdict.detail


def test_a_pickle_with_anything_but_text_is_refused() -> None:
    class Evil:
        def __reduce__(self):
            return eval, ("1/0",)

    for payload in (Evil(), [Evil()]):
        text = base64.b64encode(zlib.compress(pickle.dumps(payload))).decode()
        with pytest.raises(CaseError, match="neither"):
            decode_tests(text)
    with pytest.raises(CaseError):
        decode_tests("%%%")


def compressed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


DEEP = "[" * 200_000 + "]" * 200_000
TEXT = b"\x8c\x02[]"
HUGE = (1 << 40).to_bytes(8, "little")


@pytest.mark.parametrize(
    "text",
    [
        DEEP,
        '{"a":' * 100_000,
        compressed(pickle.dumps(DEEP)),
        compressed(b"\x80\x04\x8e" + HUGE + b"abc."),
        compressed(b"\x80\x04\x8d" + HUGE + b"abc."),
        compressed(b"\x80\x04\x8d" + b"\xff" * 8 + b"abc."),
        compressed(b"\x80\x04" + TEXT + TEXT + b"."),
        compressed(b"\x80\x04" + TEXT),
        compressed(b"\x80\x04."),
        compressed(b""),
        compressed(pickle.dumps([["[]"]])),
        compressed(pickle.dumps("[]"))[:-9],
        '"text"',
        "[1]",
        '[{"input": "1"}]',
        "",
    ],
)
def test_tests_that_cannot_be_read_are_a_case_error(text: str) -> None:
    with pytest.raises(CaseError):
        decode_tests(text)


def test_a_place_in_the_memo_costs_no_memory_and_every_protocol_is_read() -> None:
    far = b"r" + (200_000_000).to_bytes(4, "little")  # LONG_BINPUT: an unpickler would make room for 200 million
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert decode_tests(compressed(b"\x80\x04" + TEXT + far + b".")) == []
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # KB
    case = [{"input": "é\n", "output": "\u2028"}]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert decode_tests(compressed(pickle.dumps(json.dumps(case), protocol))) == case
        assert decode_tests(compressed(pickle.dumps(json.dumps(case, ensure_ascii=False), protocol))) == case


def test_tests_that_unpack_to_gigabytes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(livecodebench, "_MAX_DECODED", 1 << 20)
    with pytest.raises(CaseError, match="more than 1 MiB"):
        decode_tests(compressed(b" " * (2 << 20)))


@pytest.mark.parametrize(
    "change",
    [
        {"private_test_cases": 5},
        {"metadata": "{"},
        {"metadata": "[" * 99_999},
        {"metadata": "[]"},
        {"public_test_cases": '[{"input": "1", "output": "1", "testtype": []}]'},
    ],
)
def test_a_broken_row_is_a_case_error(change: dict[str, object]) -> None:
    calls = json.dumps([{"input": "1", "output": "6", "testtype": "functional"}])
    row = {"question_id": "a", "public_test_cases": calls, "private_test_cases": calls, "metadata": "{}"}
    with pytest.raises(CaseError):
        livecodebench.row_truth(row | change)


def test_a_file_that_changes_under_a_run_is_noticed(tmp_path: Path) -> None:
    write_problems(tmp_path)
    assert look_up("abc_a", tmp_path)
    lines = (tmp_path / "test.jsonl").read_text().splitlines()
    for other in (lines[1] + "\n" + lines[0] + "\n", " " * 9999):
        (tmp_path / "test.jsonl").write_text(other)
        with pytest.raises(CaseError, match=r"changed|JSON"):
            look_up("abc_a", tmp_path)


@pytest.mark.parametrize(
    ("given", "expected", "word"),
    [
        (5, "x", "input"),
        (None, "1", "input"),
        ("5\n{", "1", "input"),
        ("5", "x y", "output"),
        ("[" * 99999, "1", "input"),
    ],
)
def test_a_test_that_is_no_list_of_arguments_or_no_json_is_a_broken_row(given, expected, word):
    with pytest.raises(CaseError, match=f"its {word} is"):
        cases_of(CallTruth(inputs=(given,), outputs=(expected,), fn_name="f"))


def test_text_beside_native_arguments_is_a_native_string():
    (case,) = cases_of(CallTruth(inputs=([5],), outputs=("x y",), fn_name="f"))
    assert case.expected == "x y"
