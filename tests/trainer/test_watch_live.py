"""The live view: what it says, that it leaves a clean terminal, that it never stops a run."""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time

import pytest

from or1_rollout.generate.pace import time_left
from or1_trainer.live.format import duration, sparkline, trend
from or1_trainer.live.run_progress import RunProgress
from or1_trainer.live.view import LiveView


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def metrics(step: int) -> dict[str, float | int | str]:
    return {
        "step": step,
        "stage/index": 1,
        "stage/context_tokens": 96,
        "reward/mean": 0.25,
        "policy/entropy": 0.31,
        "policy/entropy_coef": 0.005,
        "reward/truncated_rate": 0.125,
        "response/length_mean": 41.5,
        "eval/avg": 0.5,
        "eval/low": 0.4,
        "eval/high": 0.6,
    }


def test_a_line_off_a_terminal_says_everything_asked_for():
    out, clock = io.StringIO(), Clock()
    with LiveView(40, num_stages=3, stream=out, clock=clock) as view:
        for step in range(1, 11):
            clock.now_s += 2.0
            view.step(metrics(step))
    last = out.getvalue().splitlines()[-1]
    for part in (
        "stage 2/3",
        "step 10/40",
        "reward 0.250",
        "accuracy 0.500 [0.400, 0.600]",
        "entropy 0.310",
        "coefficient 0.0050",
        "truncated 0.125",
        "length 41.5",
        "2.00 s/step",
        "1m00s left",
    ):
        assert part in last


def test_lines_come_at_most_every_five_seconds():
    out, clock = io.StringIO(), Clock()
    with LiveView(1000, stream=out, clock=clock) as view:
        for step in range(1, 1001):
            clock.now_s += 0.03
            view.step(metrics(step))
    assert 6 <= len(out.getvalue().splitlines()) <= 8  # after 1 s, every 5 of 30 s, and the last state


def test_a_long_phase_before_the_first_step_shows_its_progress():
    out, clock = io.StringIO(), Clock()
    with LiveView(10, stream=out, clock=clock) as view, view.phase("warm start", total=300) as phase:
        for _ in range(200):
            clock.now_s += 0.125
            phase.advance()
    assert out.getvalue().splitlines()[:3] == [
        "warm start 8/300 (1s)",
        "warm start 48/300 (6s, about 32 s left)",
        "warm start 88/300 (11s, about 26 s left)",
    ]


def test_a_rollout_says_what_it_has_generated_of_what_it_may_and_how_long_the_rest_takes():
    out, clock = io.StringIO(), Clock()
    with LiveView(10, stream=out, clock=clock) as view, view.phase("rollout", total=8, max_tokens=100) as phase:
        clock.now_s = 2.0
        phase.advance(0)
        clock.now_s = 8.0
        phase.advance(1, tokens=40)
        for _ in range(3):
            phase.advance(1, tokens=100)
        assert (phase.tokens_allowed, phase.tokens_per_s, phase.left) == (740, 42.5, "about 8 s left")
    first, second = out.getvalue().splitlines()[:2]
    assert first == "rollout 0/8, 0 of at most 800 tokens (2s)"
    assert second == "rollout 1/8, 40 of at most 740 tokens, 5 tokens/s (8s, at most 2 min left)"


def test_few_ended_responses_do_not_hide_that_all_the_others_are_nearly_as_long_as_they_may_be():
    said = {"left": 358, "total": 400, "ended": 42, "tokens": 9996, "elapsed_s": 65.0, "max_new_tokens": 28}
    assert time_left(**said, unfinished_tokens=9996 - 42 * 10) == "at most 3 s left", "448 tokens at 154 a second"
    assert time_left(**said | {"max_new_tokens": 10**4}) == "about 9 min left", "358 responses at 0.65 a second"


def test_tokens_of_unfinished_responses_count_where_the_engine_reports_them():
    clock = Clock()
    with LiveView(10, enabled=False, clock=clock) as view, view.phase("rollout", total=4, max_tokens=100) as phase:
        clock.now_s = 2.0
        phase.add_tokens(80)
        assert (phase.tokens, phase.tokens_allowed, phase.left) == (80, 400, "at most 8 s left")
        phase.advance(1, tokens=20)
        assert (phase.tokens, phase.tokens_allowed) == (80, 320)
        view.add_tokens(5)
        assert phase.tokens == 85
    with view.phase("update") as update:
        view.add_tokens(5)
        assert update.tokens == 0


def test_a_long_phase_without_a_count_shows_its_time():
    out, clock = io.StringIO(), Clock()
    with LiveView(10, stream=out, clock=clock) as view:
        view.step({"step": 1, "reward/mean": 0.5})
        with view.phase("update") as phase:
            for _ in range(3):
                clock.now_s += 6.0
                phase.advance(0)
    assert ["update" in line for line in out.getvalue().splitlines()] == [True, True, True, False]
    assert "update (12s)" in out.getvalue()


def test_a_line_comes_though_the_first_phase_reports_nothing():
    out = io.StringIO()
    with LiveView(10, stream=out) as view, view.phase("eval", total=64):
        started = time.monotonic()
        while not out.getvalue() and time.monotonic() < started + 30:
            time.sleep(0.05)
    assert out.getvalue().startswith("eval 0/64 (")


def test_a_phase_is_a_stopwatch_even_where_nothing_is_shown():
    clock = Clock()
    with LiveView(10, enabled=False, clock=clock) as view:
        with view.phase("update") as phase:
            clock.now_s += 1.5
        clock.now_s += 1.0
        assert phase.elapsed_s == 1.5
        assert view.progress.phase is None


def test_the_innermost_phase_is_the_one_shown():
    view = LiveView(10, enabled=False)
    with view.phase("eval"):
        with view.phase("rollout"):
            assert view.progress.phase.name == "rollout"
        assert view.progress.phase.name == "eval"


def test_disabled_shows_nothing():
    out = io.StringIO()
    with LiveView(10, enabled=False, stream=out) as view:
        view.step(metrics(1))
        view.note("hello")
    assert out.getvalue() == ""


def test_a_pipe_that_is_closed_silences_the_view_and_not_the_run():
    read_end, write_end = os.pipe()
    os.close(read_end)
    stream = os.fdopen(write_end, "w")
    with LiveView(10, stream=stream) as view:
        view.note("nobody hears this")
        view.step(metrics(1))
        view.note("nor this")
    with pytest.raises(BrokenPipeError):  # the pipe really was broken
        stream.close()


SESSION = """
import sys, time
from or1_rollout.generate.pace import time_left
from or1_trainer.live.view import LiveView
with LiveView(30, num_stages=3) as view:
    view.note("hello [bold]above[/bold]")
    for step in range(1, 31):
        with view.phase("rollout", total=4) as phase:
            for _ in range(4):
                time.sleep(0.004)
                phase.advance()
        view.step({"step": step, "stage/index": 1, "reward/mean": step / 30, "policy/entropy": 0.2})
        if step == 20 and sys.argv[1] == "raise":
            raise RuntimeError("boom")
        if step == 20 and sys.argv[1] == "wait":
            time.sleep(60)
"""


def on_terminal(ending: str) -> tuple[str, int]:
    """Run SESSION with a pseudo-terminal as its standard error; with `wait`, press Ctrl-C once it is under way."""
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "xterm-256color", "COLUMNS": "100"}
    process = subprocess.Popen([sys.executable, "-c", SESSION, ending], stderr=theirs, env=environment)
    os.close(theirs)
    seen, until = b"", time.monotonic() + 30
    while time.monotonic() < until:
        if select.select([ours], [], [], 0.05)[0]:
            try:
                data = os.read(ours, 65536)
            except OSError:  # the other side is closed
                break
            seen += data
        if ending == "wait" and b"20/30" in seen and process.poll() is None:
            process.send_signal(signal.SIGINT)
            ending = "done"
    os.close(ours)
    return seen.decode(), process.wait(timeout=10)


@pytest.mark.parametrize(("ending", "code"), [("finish", 0), ("raise", 1), ("wait", -signal.SIGINT)])
def test_the_terminal_is_clean_however_it_ends(ending, code):
    seen, returned = on_terminal(ending)
    assert returned == code
    assert seen.count("\x1b[?25l") == 1  # the cursor hidden once,
    assert seen.rindex("\x1b[?25h") > seen.rindex("\x1b[?25l")  # and shown again after that
    assert "hello [bold]above[/bold]" in seen
    assert f"step {30 if ending == 'finish' else 20}/30" in seen
    if ending == "raise":
        assert seen.index("RuntimeError: boom") > seen.rindex("\x1b[?25h")


def test_a_dumb_terminal_gets_lines():
    ours, theirs = pty.openpty()
    environment = os.environ | {"TERM": "dumb"}
    subprocess.run([sys.executable, "-c", SESSION, "finish"], stderr=theirs, env=environment, check=True)
    os.close(theirs)
    seen = os.read(ours, 65536).decode()
    os.close(ours)
    assert "\x1b[" not in seen
    assert "step 30/30" in seen


def test_time_left_is_the_mean_pace_of_the_last_twenty_steps():
    clock = Clock()
    progress = RunProgress(100, clock=clock)
    for step in range(1, 61):
        clock.now_s += 1.0 if step <= 40 else 3.0
        progress.add_step({"step": step})
    assert progress.left_s == pytest.approx(40 * 3.0)
    assert progress.step_s == pytest.approx(3.0)


def test_a_resumed_run_counts_its_steps_from_the_metrics():
    progress = RunProgress(100, clock=Clock())
    progress.add_step({"step": 80, "time/step_s": 2.0})
    assert (progress.step, progress.left_s) == (80, 40.0)


def test_sparkline():
    assert sparkline([0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0], 8) == "▁▂▃▄▅▆▇█"
    assert sparkline([1.0, 1.0, 3.0, 3.0], 2) == "▁█"
    assert sparkline([2.0, 2.0], 5) == "▅▅"
    assert sparkline([0.0, float("nan"), 1.0], 3) == "▁ █"
    assert sparkline([float("inf")], 3) == " "
    assert sparkline([], 3) == ""


def test_trend_compares_the_last_ten_with_the_ten_before():
    assert trend([0.0] * 10 + [1.0] * 10) == 1.0
    assert trend([0.0] * 19) is None


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0s"), (8, "8s"), (59.6, "1m00s"), (7620, "2h07m"), (273_600, "3d04h")]
)
def test_duration(seconds, text):
    assert duration(seconds) == text
