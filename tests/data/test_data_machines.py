"""Runs on other engines and several machines: the same rows, and nothing asked twice.

Workers are killed at their work: by their own hand, once, as the memory killer would. A cluster of two raylets takes
minutes to start on a busy machine: benchmarks/data_machines.py has it, with 200,000 rows.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from machine_hooks import NAME, asked, write_hooks

from or1_data import make_problem, write_problems
from or1_data.errors import ConfigError, RunError
from or1_data.run import run_recipe
from or1_data.run.engines.processes import Processes
from or1_data.run.recipe import recipe_from

ROWS, SHARDS = 160, 4


def statement(number: int) -> str:
    """Twelve words of its own; each tenth is a near copy of the one before, in another shard more often than not."""
    of = (number * 37 + 11) % ROWS if number % 10 == 9 else number
    words = " ".join(f"w{of * 31 + word * 7}" for word in range(30))
    return f"Item {of} asks for {words}{' indeed' if number % 10 == 9 else ''}"


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write_hooks(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, NAME, raising=False)  # that of another test's folder
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    rows = [
        make_problem(statement(n), str((n * 37 + 11) % ROWS if n % 10 == 9 else n), ability="math", data_source="s")
        for n in range(ROWS)
    ]
    write_problems(tmp_path / "in.jsonl", rows)
    write_problems(tmp_path / "bench.jsonl", rows[5:9])
    return tmp_path


def recipe(room: Path, **changes: object):
    data = {
        "chunk_rows": ROWS // SHARDS,
        "source": [{"path": str(room / "in.jsonl"), "adapter": "or1"}],
        "answers": {"verifier": f"{NAME}:verify"},
        "decontaminate": {"benchmarks": [str(room / "bench.jsonl")]},
        "difficulty": {
            "model": "m", "attempts": 4, "sampler": f"{NAME}:Sampler", "verifier": f"{NAME}:verify",
        },
        **changes,
    }  # fmt: skip
    return recipe_from(data)


def made(folder: Path) -> dict[str, bytes]:
    names = ("problems.jsonl", "problems.parquet", "dropped.jsonl", "report.md")
    return {name: (folder / name).read_bytes() for name in names}


@pytest.mark.slow
def test_a_ray_worker_that_is_killed_is_replaced_and_the_rows_are_those_of_one_process(room: Path) -> None:
    pytest.importorskip("ray")
    alone = run_recipe(recipe(room, difficulty=None), room / "one", progress=False)
    (room / "kill-verifier").write_text('"17"')
    settings = recipe(room, difficulty=None, engine="ray", workers=2)
    assert run_recipe(settings, room / "two", progress=False).kept == alone.kept
    assert (room / "kill-verifier.done").exists() and made(room / "two") == made(room / "one")
    dropped = (room / "one/dropped.jsonl").read_text()
    assert dropped.count('"dedup:near"') > SHARDS and dropped.count('"decontaminate:verbatim"') >= 4


class TwoMachines(Processes):
    """The processes of this machine, taken for machines."""

    machines = 2


def test_two_machines_ask_nothing_twice_even_if_one_is_killed(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only = {"stages": ["difficulty"], "workers": 2, "chunk_rows": ROWS // SHARDS}
    run_recipe(recipe(room, **only, store=str(room / "calls-one")), room / "one", progress=False)
    once = asked(room)
    assert once.total() > ROWS and max(once.values()) == 1
    monkeypatch.setattr("or1_data.run.engines.Processes", TwoMachines)
    (room / "kill-sampler").write_text("20")
    settings = recipe(room, **only, store=str(room / "calls-two"))
    with pytest.raises(RunError, match="the same command continues"):
        run_recipe(settings, room / "two", progress=False)
    asked(room)
    paid = sum(path.read_bytes().count(b"\n") for path in (room / "calls-two").glob("*.jsonl"))
    run_recipe(settings, room / "two", progress=False)
    assert len(list((room / "calls-two").glob("*.jsonl"))) >= 2, "each machine keeps what it pays in a file of its own"
    missing = asked(room)
    assert missing.total() == once.total() - paid and missing <= once
    assert made(room / "two") == made(room / "one")


def test_a_killed_worker_of_this_machine_ends_the_run_with_advice_and_the_next_one_goes_on(room: Path) -> None:
    (room / "kill-verifier").write_text('"17"')
    settings = recipe(room, workers=2, difficulty=None)
    with pytest.raises(RunError, match=r"killed .* the same command continues"):
        run_recipe(settings, room / "killed", progress=False)
    run_recipe(settings, room / "killed", progress=False)
    run_recipe(recipe(room, difficulty=None), room / "one", progress=False)
    assert made(room / "killed") == made(room / "one")


def test_without_the_extra_the_engine_says_how_to_get_it(room: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ConfigError, match=r"or1-data\[ray\]"):
        run_recipe(recipe(room, engine="ray"), room / "run", progress=False)
    assert not os.environ.get("RAY_ADDRESS")
