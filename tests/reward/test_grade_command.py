"""`or1-reward grade`: streams, keeps order, resumes, and says what is wrong with a row."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from or1_reward.cli import main

ROWS = [
    {"id": "a", "response": r"\boxed{0.5}", "ground_truth": "1/2"},
    {"id": "b", "response": r"\boxed{3}", "ground_truth": '["1", "2"]'},
    {"id": "c", "response": r"\boxed{1}", "ground_truth": "1", "finish_reason": "length"},
    {"id": 4, "response": "", "ground_truth": 7},
]


def written(path: Path, rows: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def read(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_row_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, sink = written(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl"
    assert main(["grade", str(source), "-o", str(sink), "--workers", "1"]) == 0
    rows = read(sink)
    assert [row["id"] for row in rows] == ["a", "b", "c", 4]
    assert [row["status"] for row in rows] == ["correct", "wrong", "truncated", "no_answer"]
    assert [row["reward"] for row in rows] == [1.0, 0.0, 0.0, 0.0]
    assert list(rows[0]) == ["id", "status", "reward", "extracted", "detail", "elapsed_s"]
    assert rows[0]["extracted"] == "0.5"
    assert "graded 4 rows" in capsys.readouterr().err


def test_it_resumes_behind_what_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, sink = written(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl"
    main(["grade", str(source), "-o", str(sink), "--quiet"])
    whole = read(sink)
    marked = {**whole[0], "detail": "kept from before"}
    sink.write_text(json.dumps(marked) + "\n" + json.dumps(whole[1])[:20], encoding="utf-8")  # stopped in mid-row
    assert main(["grade", str(source), "-o", str(sink)]) == 0
    again = read(sink)
    assert again[0]["detail"] == "kept from before"
    assert [row["status"] for row in again] == [row["status"] for row in whole]
    assert "1 were there before" in capsys.readouterr().err
    assert main(["grade", str(source), "-o", str(sink), "--overwrite"]) == 0
    assert read(sink)[0]["detail"] != "kept from before"


def test_it_does_not_append_to_verdicts_of_another_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, sink = written(tmp_path / "in.jsonl", ROWS), written(tmp_path / "out.jsonl", [{"id": "other"}])
    before = sink.read_bytes()
    assert main(["grade", str(source), "-o", str(sink)]) == 1
    assert "--overwrite" in capsys.readouterr().err
    assert sink.read_bytes() == before


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{broken", "row 2"),
        ('{"id": 9, "response": "1"}', "ground_truth"),
        ('{"id": "q9", "response": "1", "ground_truth": {"inputz": []}}', "'q9'"),
        ('["list"]', "row 2"),
        ('{"id": 9, "response": null, "ground_truth": "1"}', "response"),
    ],
)
def test_a_broken_row_stops_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str, message: str
) -> None:
    source, sink = written(tmp_path / "in.jsonl", ROWS[:1]), tmp_path / "out.jsonl"
    source.write_text(source.read_text() + row + "\n")
    assert main(["grade", str(source), "-o", str(sink), "--workers", "1"]) == 1
    assert message in capsys.readouterr().err
    assert [verdict["id"] for verdict in read(sink)] == ["a"]  # what was graded is kept


def test_usage_errors_exit_2(tmp_path: Path) -> None:
    for arguments in ([], ["grade"], ["grade", "x"], ["nonsense"], ["grade", "a", "-o", "b", "--workers", "0"]):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
    assert main(["grade", str(tmp_path / "absent.jsonl"), "-o", str(tmp_path / "out.jsonl")]) == 1


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, shown in (
        (["--version"], "or1-reward 0."),
        (["--help"], "Examples:"),
        (["grade", "--help"], "streamed"),
    ):
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 0
        assert shown in capsys.readouterr().out


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGINT])
def test_stopped_in_the_middle_and_resumed_it_is_complete(tmp_path: Path, ending: signal.Signals) -> None:
    rows = [
        {"id": at, "response": rf"\boxed{{\sin({at}) + \cos x^{{{at % 7}}}}}", "ground_truth": f"{at}+x"}
        for at in range(3000)
    ]
    source, sink = written(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    command = [sys.executable, "-c", "from or1_reward.cli import main; raise SystemExit(main())", "grade"]
    command += [str(source), "-o", str(sink), "--workers", "1"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE)
    while not (sink.exists() and sink.stat().st_size > 0) and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(ending)
    _, error = process.communicate(timeout=30)
    assert process.returncode in (-ending, 1)
    assert b"Traceback" not in error
    assert main(command[3:]) == 0
    assert [verdict["id"] for verdict in read(sink)] == list(range(3000))


@pytest.mark.parametrize(("layers", "code"), [("seccomp, rlimits", 0), ("nonsense", 2)])
def test_required_layers_are_looked_at_first(
    tmp_path: Path, layers: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    source, sink = written(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl"
    assert main(["grade", str(source), "-o", str(sink), "--workers", "1", "--require", layers]) == code
    assert sink.exists() is (code == 0)
    assert ("unknown sandbox layers ['nonsense']" in capsys.readouterr().err) is (code == 2)


def test_a_missing_layer_refuses_to_grade(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OR1_SANDBOX_DISABLE", "net_namespace")
    source, sink = written(tmp_path / "in.jsonl", ROWS), tmp_path / "out.jsonl"
    assert main(["grade", str(source), "-o", str(sink), "--require", "net_namespace"]) == 1
    assert not sink.exists()
    assert "net_namespace: switched off by configuration" in capsys.readouterr().err
