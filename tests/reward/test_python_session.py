"""Python as a tool: state between cells, errors and limits in words, and every attack of the suite through it."""

import sys
from pathlib import Path

import pytest

from or1_reward.python_session import MOST_CELLS, PythonSession
from or1_reward.sandbox import Sandbox, SandboxConfig
from or1_reward.types import Limits

sys.path.insert(0, str(Path(__file__).resolve().parent / "attacks"))
import suite

QUICK = Limits(time_s=0.6, memory_mb=256, output_mb=1, processes=32, open_files=64)


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(SandboxConfig(workers=1)) as made:
        yield made


@pytest.fixture(scope="module")
def canaries():
    made = suite.Canaries()
    yield made
    made.close()


def session(sandbox, **options):
    return PythonSession(sandbox=sandbox, **options)


def test_cells_share_their_state_and_show_their_own_output(sandbox):
    cells = session(sandbox)
    assert cells.run("x = [1]\nprint('first')") == "first"
    assert cells.run("x.append(2)\nx") == "[1, 2]"
    assert cells.run("def f(n):\n    return n / 0\nf(x[0])").splitlines() == [
        "  line 3, in <module>", "  line 2, in f", "ZeroDivisionError: division by zero"
    ]  # fmt: skip
    assert cells.run("f.__name__, x") == "('f', [1, 2])"  # what stood before the error stays
    assert "SyntaxError" in cells.run("def")
    assert cells.run("None") == ""
    assert "EOFError" in cells.run("input()")
    assert cells.run("class E(BaseException): pass\nraise E('own')").endswith("E: own")
    assert cells.run("x") == "[1, 2]"


def test_a_session_is_rebuilt_from_its_cells(sandbox):
    cells = ["import random\na = random.random()", "b = a + len({'x', 'y'})", "print(a, b, {'p', 'q', 'r'})"]
    one, other = session(sandbox, seed=7), session(sandbox, seed=7)
    assert [one.run(cell) for cell in cells] == [other.run(cell) for cell in cells]
    assert session(sandbox, seed=8).run("\n".join(cells)) != one.run(cells[-1])


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("while True: pass", "more than 0.6 s"),
        ("print('a' * 3_000_000)", "output"),
        ("import os; os._exit(0)", "ended itself"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "error"),
    ],
)
def test_a_cell_that_is_stopped_leaves_no_state(sandbox, code, says):
    cells = session(sandbox, limits=QUICK)
    cells.run("x = 1")
    assert says in cells.run(f"x = 2\n{code}")
    assert cells.run("x") == "1"


def test_long_outputs_are_cut_in_the_middle(sandbox):
    shown = session(sandbox, most_characters=100).run("print('a' * 500 + 'b' * 500)")
    assert shown.startswith("a" * 50 + "\n... 901 characters left out ...\n") and shown.endswith("b" * 49)


def test_the_number_of_cells_is_limited(sandbox):
    cells = session(sandbox)
    cells._cells = ["pass"] * MOST_CELLS
    assert "at most" in cells.run("1")


@pytest.mark.parametrize("attack", suite.load_attacks(), ids=lambda attack: attack.name)
def test_attacks_through_the_tool(attack, canaries, sandbox):
    shown = session(sandbox, limits=QUICK).run(canaries.fill(attack.source))
    assert canaries.secret not in shown
    assert canaries.damage() == ""
    assert session(sandbox).run("40 + 2") == "42"
