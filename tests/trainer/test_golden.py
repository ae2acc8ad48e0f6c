"""The tiny recipe's first steps are what they were; meant changes rewrite them (`golden/trajectory.py`)."""

import json
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent / "golden"))
from trajectory import KEPT, STORED, trajectory


def test_the_first_ten_steps_are_the_stored_ones(tmp_path):
    """Within 1%: another processor's float32 rounding stays far below it until a sample is drawn otherwise."""
    stored = json.loads(STORED.read_text())
    rows = trajectory(tmp_path / "cache", tmp_path / "run")
    assert [row["step"] for row in rows] == [row["step"] for row in stored] == list(range(11))
    for expected, got in zip(stored, rows, strict=True):
        assert got.keys() == expected.keys()
        for key in KEPT:
            assert got.get(key, 0) == pytest.approx(expected.get(key, 0), rel=1e-2, abs=2e-3), (expected["step"], key)


def test_the_stored_trajectory_is_one_of_learning():
    stored = json.loads(STORED.read_text())
    assert {row.get("stage/index") for row in stored[1:]} == {0, 1}
    assert all(row["optimizer/grad_norm"] > 0 for row in stored[1:])
    assert len({row["reward/mean"] for row in stored[1:]}) > 5
