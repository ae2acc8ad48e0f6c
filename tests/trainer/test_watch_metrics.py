"""The metrics file: exact, append-only, whole after any kill, honest about a disk that is full."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.log import MetricsLog, encode_row, read_metrics


def rows_of(count: int) -> list[dict[str, float | int | str]]:
    return [{"step": step, "reward/mean": step / 7, "stage/index": 1} for step in range(1, count + 1)]


def write(run_dir: Path, rows: list[dict[str, float | int | str]]) -> MetricsLog:
    log = MetricsLog(run_dir)
    for row in rows:
        log.append(row)
    return log


def test_rows_come_back_in_order_with_every_digit(tmp_path):
    rows = [{"step": 0, "eval/avg": 0.1 + 0.2, "run/name": "a\nb ü"}, {"step": 3, "reward/mean": 1e-300, "n/n": 2**60}]
    write(tmp_path, rows)
    assert read_metrics(tmp_path / "metrics.jsonl") == rows


@given(st.floats())
def test_any_float_survives_and_the_line_is_strict_json(value):
    def refuse(text):
        raise AssertionError(f"{text} is not JSON")

    back = json.loads(encode_row({"step": 1, "a/b": value}), parse_constant=refuse)["a/b"]
    assert back == value if math.isfinite(value) else back in ("NaN", "Infinity", "-Infinity")


def test_not_finite_values_read_back_as_floats_and_compare_equal(tmp_path):
    row = {"step": 1, "a/nan": float("nan"), "a/up": math.inf, "a/down": -math.inf}
    write(tmp_path, [row])
    (once,), (again,) = read_metrics(tmp_path / "metrics.jsonl"), read_metrics(tmp_path / "metrics.jsonl")
    assert once == again
    assert math.isnan(once["a/nan"])
    assert (once["a/up"], once["a/down"]) == (math.inf, -math.inf)


def test_each_row_is_in_the_file_before_write_returns(tmp_path):
    log = MetricsLog(tmp_path)
    for number, row in enumerate(rows_of(3), start=1):
        log.append(row)
        assert len(read_metrics(tmp_path / "metrics.jsonl")) == number


def test_truncate_after_keeps_the_checkpoints_step_and_goes_on_from_there(tmp_path):
    log = write(tmp_path, rows_of(9))
    before = (tmp_path / "metrics.jsonl").read_bytes()
    log.truncate_after(6)
    assert read_metrics(tmp_path / "metrics.jsonl") == rows_of(6)
    for row in rows_of(9)[6:]:
        log.append(row)
    assert (tmp_path / "metrics.jsonl").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["metrics.jsonl"]


def test_a_torn_last_line_is_dropped_and_written_again(tmp_path):
    write(tmp_path, rows_of(4)).close()
    path = tmp_path / "metrics.jsonl"
    whole = path.read_bytes()
    for cut in range(1, len(whole.splitlines(keepends=True)[-1])):
        path.write_bytes(whole[:-cut])
        assert read_metrics(path) == rows_of(3)
        log = MetricsLog(tmp_path)
        assert log.last_step == 3
        log.append(rows_of(4)[3])
        assert path.read_bytes() == whole


def test_a_damaged_line_in_the_middle_is_named_by_its_number(tmp_path):
    write(tmp_path, rows_of(3)).close()
    path = tmp_path / "metrics.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    for broken in (b"{oops\n", b"[1]\n", b'{"reward/mean": 1.0}\n', b"\xff\xfe\n"):
        path.write_bytes(lines[0] + broken + lines[2])
        with pytest.raises(RunFolderError, match=r"metrics\.jsonl:2"):
            read_metrics(path)


@pytest.mark.parametrize(
    ("row", "error", "named"),
    [
        ({"reward/mean": 1.0}, ValueError, "step"),
        ({"step": 2.0}, ValueError, "step"),
        ({"step": 3}, ValueError, "after step 3"),
        ({"step": 4, "reward": 1.0}, ValueError, "'reward'"),
        ({"step": 4, "eval/elapsed_s": 1.0}, ValueError, "time/"),
        ({"step": 4, "reward/mean": None}, TypeError, "reward/mean"),
        ({"step": 4, "reward/mean": True}, TypeError, "bool"),
    ],
)
def test_a_row_that_is_no_row_is_refused_and_nothing_is_written(tmp_path, row, error, named):
    log = write(tmp_path, rows_of(3))
    with pytest.raises(error, match=named):
        log.append(row)
    assert read_metrics(tmp_path / "metrics.jsonl") == rows_of(3)


def test_time_group_may_hold_seconds(tmp_path):
    write(tmp_path, [{"step": 1, "time/update_s": 0.25}])
    assert read_metrics(tmp_path / "metrics.jsonl")[0]["time/update_s"] == 0.25


FULL_DISK = """
import resource, signal, sys
from pathlib import Path
from or1_trainer.errors import RunFolderError
from or1_trainer.metrics.log import MetricsLog
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # then a write over the limit fails, after a partial one
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
log = MetricsLog(Path(sys.argv[1]))
try:
    for step in range(100):
        log.append({"step": step, "reward/mean": step / 7})
except RunFolderError as error:
    print(log.last_step, error)
"""


def test_a_disk_that_takes_half_a_line_leaves_whole_rows_and_says_where(tmp_path):
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(tmp_path)], capture_output=True, text=True, check=True)
    last, message = done.stdout.split(" ", 1)
    path = tmp_path / "metrics.jsonl"
    assert str(path) in message
    assert "check the path and the disk" in message
    assert path.read_bytes().endswith(b"}\n")
    assert [row["step"] for row in read_metrics(path)] == list(range(int(last) + 1))


def test_a_full_disk_says_how_to_go_on(tmp_path, monkeypatch):
    log = write(tmp_path, rows_of(2))

    class Full:
        def seek(self, *_):
            return 0

        def write(self, _):
            raise OSError(28, "No space left on device")

        def truncate(self, _):
            return 0

    monkeypatch.setattr(log, "_file", Full())
    with pytest.raises(RunFolderError, match=r"metrics\.jsonl.*No space left.*free some space.*resume"):
        log.append(rows_of(3)[2])
    assert log.last_step == 2


def test_a_missing_folder_is_a_run_folder_error(tmp_path):
    with pytest.raises(RunFolderError, match="does not exist"):
        MetricsLog(tmp_path / "nowhere")


ENDLESS = """
import sys
from pathlib import Path
from or1_trainer.metrics.log import MetricsLog
log = MetricsLog(Path(sys.argv[1]))
log.truncate_after(3)
step = log.last_step
while True:
    step += 1
    log.append({"step": step, "reward/mean": step / 7, "run/text": "x" * 5000})
    if step % 40 == 0:
        log.truncate_after(step - 20)
        step = log.last_step
"""


@pytest.mark.parametrize("delay_s", [0.01, 0.05, 0.12])
def test_killed_while_writing_and_truncating_only_whole_rows_are_left(tmp_path, delay_s):
    write(tmp_path, rows_of(5)).close()
    process = subprocess.Popen([sys.executable, "-c", ENDLESS, str(tmp_path)])
    path = tmp_path / "metrics.jsonl"
    until = time.monotonic() + 20
    while path.stat().st_size < 20_000 and time.monotonic() < until:
        time.sleep(0.01)
    time.sleep(delay_s)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    steps = [row["step"] for row in read_metrics(path)]
    assert steps[:3] == [1, 2, 3]
    assert steps == list(range(1, len(steps) + 1))
    log = MetricsLog(tmp_path)
    log.append({"step": log.last_step + 1})
    assert read_metrics(path)[-1] == {"step": len(steps) + 1}
