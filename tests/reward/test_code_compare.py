# ruff: noqa: E501 - tables of cases, one a line
"""When two outputs are the same, against LiveCodeBench's rules written out a second time, slowly."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_reward.code.compare import same_output, same_value
from or1_reward.sandbox.inside import values

SAME = [
    ("1\n2\n", "1\n2"), ("1 2 3", "1 2 3  "), ("yes\n", "  yes\n\n"), ("1.0", "1"), ("0.50 2", "0.5 2.00"), ("1e3", "1000"),
    ("-0", "0"), ("a\r\nb", "a\nb"), ("", "\n"), ("007", "7"),
]  # fmt: skip
DIFFERENT = [
    ("1\n2", "1 2"), ("yes", "Yes"), ("1.0000001", "1"), ("1 2", "1  3"), ("a b", "a  b"), ("1\n\n2", "1\n2"), ("nan", "nan2"),
    ("1 a", "1.0 a"), ("", "0"), ("sNaN", "1"), ("12", "1 2"), ("0.1", "1e-1000000000"),
]  # fmt: skip


def livecodebench(expected: str, got: str) -> bool:
    """The rule as its runner states it, step by step."""
    one, two = expected.strip().split("\n"), got.strip().split("\n")
    if len(one) != len(two):
        return False
    for left, right in zip(one, two, strict=True):
        left, right = left.strip(), right.strip()
        if left == right:
            continue
        try:
            if [Decimal(word) for word in left.split()] != [Decimal(word) for word in right.split()]:
                return False
        except ArithmeticError:
            return False
    return True


@pytest.mark.parametrize(("expected", "got"), SAME)
def test_same(expected: str, got: str) -> None:
    assert same_output(expected, got)


@pytest.mark.parametrize(("expected", "got"), DIFFERENT)
def test_different(expected: str, got: str) -> None:
    assert not same_output(expected, got)


words = st.sampled_from(
    ["1", "1.0", "01", "2", "-0", "0", "a", "A", "1e0", "nan", "inf", " ", "\n", "\t", "1_0", "10", "sNaN", ""]
)


@given(st.lists(words, max_size=8), st.lists(words, max_size=8))
def test_agrees_with_the_rule_written_out(one: list[str], two: list[str]) -> None:
    expected, got = " ".join(one), " ".join(two)
    assert same_output(expected, got) == livecodebench(expected, got)


def test_values_compare_as_json_with_tuples_as_lists() -> None:
    assert same_value([1, [2, 3]], (1, (2, 3)))
    assert same_value(1, 1.0)
    assert not same_value([1], [1, 2])
    assert not same_value("1", 1)
    assert not same_value(float("nan"), float("nan"))
    assert not same_value({"1": 2}, {1: 2})


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), inner, max_size=3)
        | st.sets(st.integers() | st.text(), max_size=3)
        | st.frozensets(st.integers(), max_size=3)
    ),
    max_leaves=12,
)


@given(plain)
def test_values_survive_the_way_out_of_the_jail(value: object) -> None:
    back = values.decode(json.loads(values.to_bytes(values.encode(value))))
    assert back == value
    assert type(back) is type(value)


def test_large_numbers_and_odd_floats_survive() -> None:
    for value in (10**5000, -(10**5000), float("inf"), range(3, 9, 2)):
        assert values.decode(json.loads(values.to_bytes(values.encode(value)))) == value
    assert values.decode(json.loads(values.to_bytes(values.encode(float("nan"))))) != 0


def test_subclasses_leave_as_the_plain_data_they_hold() -> None:
    class Text(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            return True

        __hash__ = str.__hash__

        def __str__(self) -> str:
            return "secret"

    class Items(list[int]):
        def __iter__(self):
            return iter([42])

    assert values.decode(values.encode(Text("held"))) == "held"
    assert values.decode(values.encode(Items([1, 2]))) == [1, 2]


def test_unknown_objects_equal_nothing() -> None:
    class Same:
        def __eq__(self, other: object) -> bool:
            return True

    got = values.decode(values.encode(Same()))
    assert got != got
    assert got != 1
    assert [got] != [[1]]


@pytest.mark.parametrize(
    "message",
    [{}, {"v": 1}, {"v": {"t": "nope", "v": 1}, "o": []}, {"v": {"t": "object", "v": 5}, "o": []}, {"v": {"x": 1}, "o": []},
     {"v": {"t": "dict", "v": [[[1], 2]]}, "o": []}, {"v": {"t": "int", "v": "zz"}, "o": []}, {"v": {"t": "range", "v": [1, 2, 0]}, "o": []}],
)  # fmt: skip
def test_forged_messages_are_refused_as_data(message: dict) -> None:
    with pytest.raises(ValueError, match=r"."):
        values.decode(message)


def test_objects_travel_with_their_links() -> None:
    class Node:
        def __init__(self, val: int, next: "Node | None" = None) -> None:
            self.val, self.next = val, next

    head = None
    for number in range(5000):
        head = Node(number, head)
    first = Node(-1, head)
    back = values.decode(json.loads(values.to_bytes(values.encode(first, ["Node"]))), {"Node": Node})
    seen = []
    while back is not None:
        seen.append(back.val)
        back = back.next
    assert seen == [-1, *range(4999, -1, -1)]
