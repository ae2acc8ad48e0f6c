"""The example for TRL runs inside of TRL's trainer; `.ci/run` calls this with the group `bench`."""

from __future__ import annotations

import importlib
import math
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


def test_two_steps_of_trl_with_our_reward(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("trl")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setattr(sys, "argv", ["trl_grpo.py"])
    log = importlib.import_module("trl_grpo").main().state.log_history
    rewards = [entry["rewards/or1_reward/mean"] for entry in log if "rewards/or1_reward/mean" in entry]
    assert len(rewards) == 2
    assert all(0.0 <= reward <= 1.0 and not math.isnan(reward) for reward in rewards)
