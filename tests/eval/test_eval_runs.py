"""Run folders: killed at random and resumed, judged again, compared, and what must not be mixed."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_server import NUM_PROBLEMS, ScriptedServer

from or1_eval import (
    EngineError,
    Problem,
    RunFolderError,
    Sampling,
    Task,
    compare,
    endpoint,
    evaluate,
    load_reports,
    regrade,
)
from or1_eval.runs.log import JsonlLog, read_log
from or1_reward import Status, Verdict, verify


def command(server: ScriptedServer, file: Path, run_dir: Path, k: int = 8) -> list[str]:
    """The command line of a run."""
    script = str(Path(sys.executable).parent / "or1-eval")
    options = ["--endpoint", server.url, "-k", str(k), "-o", str(run_dir), "--concurrency", "6", "--attempts", "1"]
    return [script, "run", str(file), *options, "--workers", "2", "--quiet"]


def stored(run_dir: Path, *names: str) -> set[tuple[str, int]]:
    """(problem, sample) of every whole line of the logs."""
    return {(row["problem"], row["sample"]) for name in names for row in read_log(run_dir / name)}


def rows_by_key(run_dir: Path) -> dict[tuple[str, int], Any]:
    """The samples without the time that their verdicts took."""
    found = {}
    for row in read_log(run_dir / "samples.jsonl"):
        del row["verdict"]["elapsed_s"]
        assert found.setdefault((row["problem"], row["sample"]), row) is row, "a sample is there twice"
    return found


def test_killed_at_random_and_resumed_is_identical(server: ScriptedServer, problem_file: Path, tmp_path: Path) -> None:
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    subprocess.run(command(server, problem_file, undisturbed), check=True, capture_output=True, timeout=60)
    server.delay_s = 0.05
    draw, kills = random.Random(3), 0
    while True:
        before = stored(killed, "samples.jsonl", "pending.jsonl")
        server.served.clear()
        process = subprocess.Popen(
            command(server, problem_file, killed), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        alive_s, started_s = draw.uniform(0.0, 0.35), time.monotonic()
        while kills < 6 and process.poll() is None:
            begun = server.served.total() > 0
            if begun and time.monotonic() - started_s > alive_s:
                process.send_signal(signal.SIGKILL)
                break
            started_s = started_s if begun else time.monotonic()
            time.sleep(0.005)
        _, error = process.communicate(timeout=60)
        redrawn = {(problem, index) for problem, index in drawn_keys(server) if (problem, index) in before}
        assert not redrawn, "samples on disk were drawn again"
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL, error
        kills += 1
    assert kills >= 3, "the run was over before it could be killed"
    assert rows_by_key(killed) == rows_by_key(undisturbed)
    assert len(rows_by_key(killed)) == 8 * NUM_PROBLEMS
    assert (killed / "results.json").read_bytes() == (undisturbed / "results.json").read_bytes()
    assert (killed / "report.html").read_bytes() == (undisturbed / "report.html").read_bytes()


def drawn_keys(server: ScriptedServer) -> set[tuple[str, int]]:
    """Which samples the server was asked for, found by their seeds."""
    from or1_eval.seeds import sample_seed

    names = {sample_seed(0, "scripted", f"p{n}", i): (f"p{n}", i) for n in range(NUM_PROBLEMS) for i in range(8)}
    return {names[seed] for _, seed in server.served}


def test_a_server_that_dies_midway_costs_nothing(server: ScriptedServer, problem_file: Path, tmp_path: Path) -> None:
    server.faults = lambda n: 503 if n > 20 else None
    with pytest.raises(EngineError):
        evaluate(problem_file, endpoint(server.url, attempts=1, concurrency=2), k=4, run_dir=tmp_path / "run")
    kept = stored(tmp_path / "run", "samples.jsonl")
    assert 15 <= len(kept) <= 20, "what came before the end is judged and kept"
    server.faults = lambda n: None
    server.served.clear()
    report = evaluate(problem_file, endpoint(server.url), k=4, run_dir=tmp_path / "run")
    assert report.complete
    assert server.served.total() == 4 * NUM_PROBLEMS - len(kept)
    assert report.avg == evaluate(problem_file, endpoint(server.url), k=4).avg


def test_more_samples_later_keep_the_first_ones(server: ScriptedServer, problem_file: Path, tmp_path: Path) -> None:
    evaluate(problem_file, endpoint(server.url), k=2, run_dir=tmp_path / "run")
    server.served.clear()
    report = evaluate(problem_file, endpoint(server.url), k=6, run_dir=tmp_path / "run")
    assert server.served.total() == 4 * NUM_PROBLEMS
    assert report.avg == evaluate(problem_file, endpoint(server.url), k=6).avg


@pytest.mark.parametrize(
    ("change", "named"),
    [({"sampling": Sampling(temperature=0.5)}, "sampling"), ({"model": "another"}, "model")],
)
def test_other_settings_are_refused(
    server: ScriptedServer, problem_file: Path, tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    evaluate(problem_file, endpoint(server.url), k=1, run_dir=tmp_path / "run")
    with pytest.raises(RunFolderError, match=named):
        evaluate(problem_file, endpoint(server.url), **({"k": 1, "run_dir": tmp_path / "run"} | change))


def test_changed_problems_are_refused(tmp_path: Path) -> None:
    for prompt, fails in (("1+1?", False), ("1+2?", True)):
        task = Task(name="t", problems=(Problem(id="a", prompt=prompt, ground_truth="2"),))
        if fails:
            with pytest.raises(RunFolderError, match="problems_sha256"):
                evaluate(task, say_two, run_dir=tmp_path / "run")
        else:
            evaluate(task, say_two, run_dir=tmp_path / "run")


def say_two(prompt: str) -> str:
    """An engine."""
    return r"\boxed{2}"


def test_one_writer_at_a_time(problem_file: Path, tmp_path: Path) -> None:
    def intruding(prompt: str) -> str:
        with pytest.raises(RunFolderError, match="another process"):
            evaluate(problem_file, say_two, k=1, run_dir=tmp_path / "run")
        return say_two(prompt)

    assert evaluate(problem_file, intruding, k=1, run_dir=tmp_path / "run").complete


def old_verifier(response: str, truth: object, *, finish_reason: str | None = None) -> Verdict:
    """A verifier with a fault: it takes every answer of an even problem for wrong, and fails on p3."""
    found = verify(response, truth, finish_reason=finish_reason)
    if str(truth) == '"103"':
        raise RuntimeError("no memory")
    return Verdict(status=Status.WRONG, extracted=found.extracted) if str(truth).strip('"')[-1] in "02468" else found


def test_regrade_shows_what_changed(server: ScriptedServer, problem_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    old = evaluate(problem_file, endpoint(server.url), k=4, run_dir=run, verify=old_verifier)
    assert old.num_verifier_errors == 4
    assert any("verifier failed" in text for text in old.warnings)
    before = (run / "samples.jsonl").read_bytes()
    found = regrade(run, workers=2)
    expected = evaluate(problem_file, endpoint(server.url), k=4)
    assert found.after["scripted"].avg == expected.avg
    assert found.before["scripted"].avg == old.avg
    right = sum(p.num_correct for p in expected.problems[::2])
    assert sum((c.before, c.after) == ("wrong", "correct") for c in found.changes) == right
    assert sum(c.before == "verifier_error" for c in found.changes) == 4
    assert (run / "samples.jsonl").read_bytes() == before, "what was sampled is never rewritten"
    assert load_reports(run)["scripted"].avg == expected.avg
    assert not regrade(run).changes, "the second time nothing changes"


def test_compare_pairs_the_problems(server: ScriptedServer, problem_file: Path, tmp_path: Path) -> None:
    evaluate(problem_file, say_two, k=4, run_dir=tmp_path / "a", model="a")
    evaluate(problem_file, endpoint(server.url), k=4, run_dir=tmp_path / "b")
    (found,) = compare(tmp_path / "a", tmp_path / "b")
    assert found.result.difference == pytest.approx(evaluate(problem_file, endpoint(server.url), k=4).avg)
    assert found.result.interval.low > 0
    assert found.result.p_value < 0.01
    assert not found.cautions
    with pytest.raises(RunFolderError, match="not a run folder"):
        compare(tmp_path / "a", tmp_path / "nothing")


def test_compare_warns_of_unlike_runs(problem_file: Path, tmp_path: Path) -> None:
    evaluate(problem_file, say_two, k=1, run_dir=tmp_path / "a")
    evaluate(problem_file, say_two, k=1, run_dir=tmp_path / "b", sampling=Sampling(temperature=0.6))
    (found,) = compare(tmp_path / "a", tmp_path / "b")
    assert any("sampling differs" in text for text in found.cautions)


@given(st.binary(max_size=60), st.integers(0, 200))
def test_a_log_cut_anywhere_keeps_its_whole_lines(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, cut: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    rows = [{"n": n, "text": "é\n" * n} for n in range(5)]
    log = JsonlLog(path)
    for row in rows:
        log.append(row)
    log.close()
    whole = path.read_bytes()
    cut = min(cut, len(whole))
    path.write_bytes(whole[:cut] + noise.replace(b"\n", b""))
    kept = whole[:cut].count(b"\n")
    assert list(read_log(path)) == rows[:kept]
    log = JsonlLog(path)
    log.append({"n": "new"})
    log.close()
    assert list(read_log(path)) == [*rows[:kept], {"n": "new"}]


def test_a_full_disk_ends_the_run_with_what_there_was(problem_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    code = (
        "import resource, sys, or1_eval.cli as c; resource.setrlimit(resource.RLIMIT_FSIZE, (6000, 6000));"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); sys.exit(c.main(sys.argv[1:]))"
    )
    (tmp_path / "twos.py").write_text("def say(prompt):\n    return 'x' * 300 + r'\\boxed{2}'\n")
    arguments = ["run", str(problem_file), "--function", "twos:say", "-k", "4", "-o", str(run), "--quiet"]
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "too large" in done.stderr
    script = str(Path(sys.executable).parent / "or1-eval")
    again = subprocess.run([script, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert again.returncode == 0, again.stderr
    assert len(stored(run, "samples.jsonl")) == 4 * NUM_PROBLEMS


def test_ctrl_c_keeps_what_there_is(server: ScriptedServer, problem_file: Path, tmp_path: Path) -> None:
    server.delay_s = 0.1
    run = tmp_path / "run"
    process = subprocess.Popen(command(server, problem_file, run), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    while server.served.total() < 10:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGINT)
    _, error = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"the same command continues" in error
    assert b"Traceback" not in error
    kept = stored(run, "samples.jsonl", "pending.jsonl")
    assert len(kept) >= 4


def test_a_run_folder_is_self_contained(server: ScriptedServer, problem_file: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    report = evaluate(problem_file, endpoint(server.url), k=4, run_dir=run)
    problem_file.unlink()
    assert load_reports(run)["scripted"].avg == report.avg
    regrade(run)
    results = json.loads((run / "results.json").read_text())["tasks"]["scripted"]
    assert results["avg"] == report.avg
    assert results["fingerprint"]["task"]["template"] == "as given"
    assert {"or1-eval", "or1-reward", "python"} <= results["fingerprint"]["versions"].keys()
    row = next(read_log(run / "samples.jsonl"))
    assert {
        "task",
        "problem",
        "sample",
        "seed",
        "text",
        "token_ids",
        "num_tokens",
        "finish_reason",
        "verdict",
    } <= row.keys()
    assert bytes(row["token_ids"]).decode() == row["text"]
