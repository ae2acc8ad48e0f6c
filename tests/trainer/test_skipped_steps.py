"""Gradients that are not finite: the weights stay, the steps are counted, and the run ends after some of them."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from forked import Forked
from planted_faults import command_line_with
from whole_runs import MICRO, environment, numbers

from or1_trainer.train.record import skipped_in_a_row

RECIPE = f"""
name = "skipped"
{MICRO}[[stages]]
steps = 9
context_tokens = 20
prompts = 4
group = 4
[eval]
k = 1
every = 0
[checkpoint]
every = 0
[optimizer]
max_skipped_steps = 2
"""


def test_the_run_keeps_its_weights_and_ends(cache, tmp_path):
    (tmp_path / "skipped.toml").write_text(RECIPE)
    words = ["train", str(tmp_path / "skipped.toml"), "--run-dir", str(tmp_path / "run")]
    process = Forked(command_line_with, "gradient_that_is_not_a_number", *words, env=environment(cache))
    assert process.wait(120) == 1
    assert "the gradient was not finite in 2 steps in a row" in process.stderr
    assert "Traceback" not in process.stderr
    rows = [row for row in numbers(tmp_path / "run") if row.get("tokens/trained")]
    assert [row["optimizer/skipped"] for row in rows] == [1, 1] and len({row["hash/weights"] for row in rows}) == 1
    assert rows[-1]["optimizer/grad_norm"] != rows[-1]["optimizer/grad_norm"], "and the alarm says so"


@pytest.mark.parametrize(
    ("steps", "skipped", "after"),
    [(1, 1, 4), (1, 0, 0), (4, 4, 4), (4, 3, 0), (0, 0, 3)],
)
def test_one_good_optimizer_step_ends_the_row_and_a_step_without_any_is_none(steps, skipped, after):
    assert skipped_in_a_row(3, {"optimizer/steps": steps, "optimizer/skipped": skipped}) == after
