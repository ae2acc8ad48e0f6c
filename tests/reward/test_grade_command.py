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
def test_a_broken_row_is_set_aside_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], row: str, message: str
) -> None:
    source, sink = written(tmp_path / "in.jsonl", ROWS[:1]), tmp_path / "out.jsonl"
    source.write_text(source.read_text() + row + "\n" + json.dumps(ROWS[1]) + "\n")
    for _ in range(2):  # a second run finds nothing to do and says the same
        assert main(["grade", str(source), "-o", str(sink), "--workers", "1"]) == 1
        assert message in capsys.readouterr().err
        assert [verdict["id"] for verdict in read(sink)] == [ROWS[0]["id"], ROWS[1]["id"]]
        (aside,) = read(tmp_path / "out.bad.jsonl")
        assert aside["row"] == 2
        assert message in aside["error"]
    assert main(["grade", str(source), "-o", str(sink), "--workers", "1", "--overwrite"]) == 1
    assert len(read(tmp_path / "out.bad.jsonl")) == 1


def test_it_resumes_around_rows_set_aside(tmp_path: Path) -> None:
    good = [{"id": at, "response": f"\\boxed{{{at}}}", "ground_truth": str(at)} for at in range(6)]
    source, sink = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    lines = [json.dumps(row) for row in good]
    lines.insert(1, "{broken")
    lines.insert(4, '{"id": "x", "response": "1", "ground_truth": []}')
    source.write_text("\n".join(lines) + "\n")
    assert main(["grade", str(source), "-o", str(sink), "--workers", "1"]) == 1
    whole = sink.read_text()
    sink.write_text("\n".join(whole.splitlines()[:3]) + '\n{"id": 3, "stat')
    assert main(["grade", str(source), "-o", str(sink), "--workers", "1"]) == 1
    assert [verdict["id"] for verdict in read(sink)] == list(range(6))
    assert [row["row"] for row in read(tmp_path / "out.bad.jsonl")] == [2, 5]


def test_details_comparison_and_partial_scores(tmp_path: Path) -> None:
    truth = {"inputs": ["1", "2", "3"], "outputs": ["0.3333333", "1", "1"]}
    rows = [{"id": 0, "response": "```python\nprint(1/3 if input() == '1' else 2 - 1)\n```", "ground_truth": truth},
            {"id": 1, "response": "```python\nprint(1)\n```", "ground_truth": truth}]  # fmt: skip
    source, sink = written(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl"
    options = ["--workers", "1", "--details", "--partial-scores", "--compare", "tokens,tolerance=1e-6"]
    assert main(["grade", str(source), "-o", str(sink), *options]) == 0
    whole, part = read(sink)
    assert (whole["status"], whole["reward"]) == ("correct", 1.0)
    assert (part["status"], part["reward"]) == ("wrong", pytest.approx(2 / 3))
    assert [test["status"] for test in part["tests"]] == ["wrong", "correct", "correct"]
    assert {"input", "expected", "got", "elapsed_s", "memory_mb"} <= part["tests"][0].keys()
    with pytest.raises(SystemExit):
        main(["grade", str(source), "-o", str(sink), "--compare", "tokns"])


def test_lone_surrogates_pass_through(tmp_path: Path) -> None:
    source, sink = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    program = "```python\ndef f(x): raise ValueError('\\ud800')\n```"
    source.write_text(
        json.dumps({"id": "\ud83d", "response": "\\boxed{4\ud83d}", "ground_truth": "4"}) + "\n"
        + json.dumps({"id": 2, "response": program, "ground_truth": {"assert_case": ["assert [f(1)] == [2]"]}}) + "\n"
    )  # fmt: skip
    assert main(["grade", str(source), "-o", str(sink), "--workers", "1"]) == 0
    assert [verdict["id"] for verdict in read(sink)] == ["\ud83d", 2]


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
