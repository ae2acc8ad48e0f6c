"""The tiny recipe's first steps are what they were; meant changes rewrite them (`golden/trajectory.py`)."""

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "golden"))
from trajectory import KEPT, SETTINGS, stored, trajectory


def rows_of(name):
    return json.loads(stored(name).read_text())


@pytest.mark.parametrize("name", SETTINGS)
def test_the_first_steps_are_the_stored_ones(cache, tmp_path, name):
    """To five digits."""
    rows = trajectory(name, cache, tmp_path / "run")
    assert [row["step"] for row in rows] == [row["step"] for row in rows_of(name)] == list(range(len(rows)))
    for expected, got in zip(rows_of(name), rows, strict=True):
        assert got.keys() == expected.keys()
        for key in KEPT:
            assert got.get(key, 0) == pytest.approx(expected.get(key, 0), rel=1e-5, abs=1e-7), (expected["step"], key)


@pytest.mark.parametrize("name", SETTINGS)
def test_the_stored_trajectories_are_ones_of_learning(name):
    steps = rows_of(name)[1:]
    assert {row.get("stage/index") for row in steps} == {0, 1}
    assert all(row["optimizer/grad_norm"] > 0 for row in steps)
    assert len({row["reward/mean"] for row in steps}) > len(steps) / 2


def test_the_first_one_sees_the_entropy_coefficient_come_and_go():
    coefficients = {row["policy/entropy_coef"] for row in rows_of("tiny")[1:]}
    assert 0.0 in coefficients and len(coefficients) > 2


def test_the_second_one_is_off_policy_and_held_to_a_reference():
    steps = rows_of("off-policy")[1:]
    assert {row["optimizer/steps"] for row in steps} > {2}
    assert all(row["policy/ratio_mean"] != 1 for row in steps) and any(row["policy/clip_high_rate"] for row in steps)
    assert all(row["kl/k3"] > 0 for row in steps) and {row["policy/entropy_coef"] for row in steps} == {0.01}
