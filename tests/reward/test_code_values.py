# ruff: noqa: E501 - programs under test, kept on one line each
"""What only shows between the program's process and ours: values, exceptions, functions, processes of its own."""

import pytest

from or1_reward.code import judge_program
from or1_reward.ground_truth import CallTruth, HarnessTruth, StdioTruth
from or1_reward.sandbox import Sandbox, SandboxConfig
from or1_reward.sandbox.layers import is_in_force
from or1_reward.types import Status


def status(program: str, truth: object) -> Status:
    return judge_program(program, truth).status


MAPPED = "def check(candidate):\n    cases = [(1, 2), (2, 3)]\n    assert all(map(lambda case: candidate(case[0]) == case[1], cases))\n"
LOOPED = "def check(candidate):\n    for value in candidate(3):\n        assert value > 5\n"


def test_an_exception_that_ends_loops_does_not_end_the_checks() -> None:
    assert status("def f(x):\n    return x + 1", HarnessTruth("", MAPPED, "f")) is Status.CORRECT
    for name in ("StopIteration", "StopAsyncIteration", "GeneratorExit", "AssertionError"):
        assert status(f"def f(x):\n    raise {name}", HarnessTruth("", MAPPED, "f")) is not Status.CORRECT, name


def test_a_program_that_leads_around_every_assert_is_wrong_not_a_failure_of_ours() -> None:
    assert status("def f(x):\n    return [x + 6]", HarnessTruth("", LOOPED, "f")) is Status.CORRECT
    assert status("def f(x):\n    return []", HarnessTruth("", LOOPED, "f")) is Status.WRONG


def test_functions_as_arguments() -> None:
    """One that stands in the call is built by the program's process; one of the checks' own is called back."""
    apply = "def f(g, xs):\n    return [g(x) for x in xs]"
    inline = "def check(candidate):\n    assert candidate(lambda x: x * 2, [y for y in (1, 2)]) == [2, 4]\n"
    assert status(apply, HarnessTruth("", inline, "f")) is Status.CORRECT
    assert status(apply.replace("g(x)", "x"), HarnessTruth("", inline, "f")) is Status.WRONG
    named = "def check(candidate):\n    double = lambda x: x * 2\n    assert candidate(double, [1]) == [2]\n"
    assert status(apply, HarnessTruth("", named, "f")) is Status.CORRECT
    assert status(apply.replace("g(x)", "x"), HarnessTruth("", named, "f")) is Status.WRONG
    assert status("def f(g, xs):\n    return g(f(g, xs))", HarnessTruth("", named, "f")) is Status.WRONG


@pytest.mark.parametrize(
    ("value", "expected", "right"),
    [
        ("Fraction(6, 3)", "2", True), ("Fraction(1, 2)", "0.5", True), ("Fraction(1, 3)", "0.3333333333333333", False),
        ("Decimal('2.50')", "2.5", True), ("Decimal('0.1')", "0.1", False), ("[Decimal(7), Fraction(8)]", "[7, 8]", True),
        ("Counter('aab')", '{"a": 2, "b": 1}', True), ("(n for n in [1])", "[1]", False), ("2 ** 20000", "1", False),
    ],
)  # fmt: skip
def test_numbers_of_other_kinds_compare_as_python_compares_them(value: str, expected: str, right: bool) -> None:
    program = f"from fractions import *\nfrom decimal import *\ndef f(x):\n    return {value}"
    assert status(program, CallTruth(("1",), (expected,), "f")) is (Status.CORRECT if right else Status.WRONG)


def test_numpy_numbers_are_numbers() -> None:
    program = (
        "import numpy as np\ndef f(x):\n    return [np.int64(x), np.float64(0.5), np.bool_(True), int(np.uint8(3))]"
    )
    if judge_program("import numpy", StdioTruth(("",), ("",))).status is not Status.CORRECT:
        pytest.skip("no numpy beside the grader")
    assert status(program, CallTruth(("1",), ("[1, 0.5, true, 3]",), "f")) is Status.CORRECT
    assert status(program, CallTruth(("2",), ("[1, 0.5, true, 3]",), "f")) is Status.WRONG


def test_methods_that_only_an_instance_has() -> None:
    made = "class Solution:\n    def __init__(self):\n        self.f = lambda x: x + 1"
    wrapped = "@lru_cache(None)\nclass Solution:\n    def f(self, x):\n        return x + 1"
    assert [status(program, CallTruth(("1",), ("2",), "f")) for program in (made, wrapped)] == [Status.CORRECT] * 2


def test_programs_may_use_processes_of_their_own() -> None:
    pool = "from multiprocessing import Pool\ndef g(x):\n    return x + 1\nif __name__ == '__main__':\n    with Pool(2) as pool:\n        print(sum(pool.map(g, range(int(input())))))"
    killed = "import multiprocessing, time\nchild = multiprocessing.Process(target=time.sleep, args=(99,))\nchild.start()\nchild.kill()\nchild.join()\nprint(int(input()) if child.exitcode < 0 else 'alive')"
    with Sandbox(SandboxConfig(workers=1)) as sandbox:
        if not is_in_force(sandbox.layers, "pid_namespace"):
            pytest.skip("no pid namespace here, so programs may not fork")
        for program, wanted in ((pool, "6"), (killed, "3")):
            verdict = judge_program(program, StdioTruth(("3",), (wanted,)), sandbox=sandbox)
            assert verdict.status is Status.CORRECT, verdict.detail
