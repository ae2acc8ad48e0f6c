"""`study` as a process: killed in the middle it goes on where it was; GPUs are shared out between runs."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent))
from whole_runs import command, environment, numbers, rows_written, wait_for

from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.errors import ConfigError
from or1_trainer.gpus import visible_gpus
from or1_trainer.study.runs import gpu_groups

STUDY = """
name = "twice"
letter = "Z"
claim = "A run is the same whether it was stopped or not."
source = "here"
paper_setup = "-"
setup = "two arms that differ in how many checkpoints stay"

[settings]
"warm_start.hidden" = 16
"warm_start.layers" = 1
"warm_start.heads" = 2
"warm_start.intermediate" = 32
"warm_start.steps" = 20
"warm_start.sequences" = 16
"stages.0.steps" = 16
"stages.0.prompts" = 4
"stages.0.context_tokens" = 16
"data.lettered.heldout" = 4
"data.lettered.train" = 64
"eval.k" = 2
"checkpoint.every" = 5
"loss.reject_zero_advantage" = false

[[arms]]
name = "whole"

[[arms]]
name = "stopped"
settings = { "checkpoint.keep" = 2 }

[[expect]]
quantity = "entropy_last"
arm = "stopped"
reference = "whole"
sign = "0"
margin = 0.001
"""


def start_study(cache, room):
    """As users start it: the process itself imports no torch, its runs do."""
    (room / "twice.toml").write_text(STUDY)
    where = ("--runs", room / "runs", "--out", room / "results")
    return subprocess.Popen(
        command("study", room / "twice.toml", "--seeds", "1", "--jobs", "1", *where),
        env=environment(cache),
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_killed_in_the_middle_it_skips_what_is_done_and_resumes_the_rest(cache, tmp_path):
    runs = tmp_path / "runs"
    process = start_study(cache, tmp_path)
    written = lambda: sorted(rows_written(folder) for folder in runs.glob("*")) if runs.is_dir() else []  # noqa: E731
    wait_for(lambda: len(written()) == 2 and written()[0] >= 6, process)
    process.kill()
    process.communicate()
    finished = {folder.name for folder in runs.iterdir() if (folder / "report.html").exists()}
    assert len(finished) == 1, "one run was over, the other in its middle"
    stamp = {name: (runs / name / "metrics.jsonl").stat().st_mtime_ns for name in finished}
    again = start_study(cache, tmp_path)
    _, said = again.communicate(timeout=240)
    assert again.returncode == 0 and "2 runs, 1 of them finished" in said
    assert stamp == {name: (runs / name / "metrics.jsonl").stat().st_mtime_ns for name in finished}
    assert not list(runs.glob("*/checkpoints")) and len(list(runs.glob("*/model"))) == 2
    one, other = map(numbers, runs.iterdir())
    assert one == other and len(one) == 17


def test_a_run_ends_with_its_study_though_its_parent_lives():
    watched, held = os.pipe()
    lines = f"""
from multiprocessing.connection import Connection
from or1_trainer.study.execute import exit_when_closed
exit_when_closed(Connection({watched}, writable=False))
print("watching", flush=True)
while True: pass
"""
    run = subprocess.Popen([sys.executable, "-c", lines], pass_fds=[watched], stdout=subprocess.PIPE)
    try:
        assert run.stdout.readline() == b"watching\n" and run.poll() is None
        os.close(held)
        assert run.wait(timeout=20) == -signal.SIGKILL
    finally:
        run.kill()
        run.stdout.close()
        os.close(watched)


def test_each_run_sees_gpus_of_its_own():
    config = resolve(read_recipe("lab"))
    two = resolve(read_recipe("lab"), [("parallel.tensor", 2)])
    assert gpu_groups([config], 4) == ["0", "1", "2", "3"]
    assert gpu_groups([config, two], 5) == ["0,1", "2,3"]
    assert gpu_groups([config], 0) == gpu_groups([resolve(read_recipe("lab"), [("device", "cpu")])], 4) == []
    with pytest.raises(ConfigError, match="needs 2 GPUs, and this machine has 1"):
        gpu_groups([two], 1)


def test_torch_is_asked_for_gpus_where_there_is_a_device_node(tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 3)
    assert visible_gpus(tmp_path) == 0
    (tmp_path / "nvidiactl").touch()  # a driver without a card
    assert visible_gpus(tmp_path) == 0
    (tmp_path / "nvidia0").touch()
    assert visible_gpus(tmp_path) == 3
