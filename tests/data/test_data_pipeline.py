"""Whole runs: real data end to end without network, killed and gone on with, whatever the workers; guard and faults."""

from __future__ import annotations

import json
import random
import re
import tomllib
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from or1_data import ConfigError, GuardError, SourceError, make_problem, read_problems, write_problems
from or1_data.cli import main
from or1_data.run import load_recipe, run_recipe
from or1_data.run.recipe import Recipe, recipe_from


def words(n: int) -> str:
    rng = random.Random(n)
    return " ".join(f"w{rng.randrange(9973)}" for _ in range(25))


def make_source(path: Path, rows: int = 300) -> Path:
    """Distinct problems, a copy of each tenth, a URL in each fiftieth, two broken lines."""
    problems = []
    for n in range(rows):
        text = words(n - 1 if n % 10 == 9 else n) + (" see https://x.org/a" if n % 50 == 3 else "")
        problems.append(make_problem(text, str(n - 1 if n % 10 == 9 else n), ability="math", data_source=f"s{n % 3}"))
    write_problems(path, problems)
    with path.open("a") as stream:
        stream.write('{"broken\n{"prompt": []}\n')
    return path


def recipe_for(source: Path, **changes):
    data = {"name": "t", "chunk_rows": 40, "source": [{"path": str(source), "adapter": "or1"}], **changes}
    return recipe_from(data)


def outputs(folder: Path) -> dict[str, bytes]:
    """What two runs of one recipe have in common: all but the table of times at the end of the page."""
    names = ["problems.jsonl", "dropped.jsonl", "set_aside.jsonl", "report.html", "report.md"]
    return {name: (folder / name).read_bytes().split(b"<h2>Time and cost</h2>")[0] for name in names}


def test_the_small_real_recipe_runs_end_to_end(real: Path, tmp_path: Path) -> None:
    result = run_recipe(load_recipe("shared-small", {"root": str(real)}), tmp_path / "run", progress=False)
    assert result.rows + result.set_aside == 975 + 1209 + 1000 + 500 + 100 and result.set_aside == 1
    manifest = json.loads((tmp_path / "run/manifest.json").read_text())
    dropped = [json.loads(line) for line in (tmp_path / "run/dropped.jsonl").read_text().splitlines()]
    assert result.kept + len(dropped) == result.rows and all(row["reasons"] for row in dropped)
    assert manifest["counts"]["touched_by_reason"]["rules:language"]["olymmath-zh"] == 100
    assert manifest["counts"]["overlaps"]["math500"]["verbatim"] >= 1
    kept = [*read_problems(tmp_path / "run/train.jsonl"), *read_problems(tmp_path / "run/heldout.parquet")]
    assert len({p.id for p in kept}) == len(kept) == result.kept
    assert list(read_problems(tmp_path / "run/train.parquet")) == list(read_problems(tmp_path / "run/train.jsonl"))
    assert not any("evidence" in json.dumps(p.notes) for p in kept)
    page = (tmp_path / "run/report.html").read_text()
    assert "Funnel" in page and "<svg" in page and 'class="pair"' in page and "<mark>" in page


def test_trl_and_datasets_load_the_output(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    result = run_recipe(recipe_for(make_source(tmp_path / "a.jsonl")), tmp_path / "run", progress=False)
    loaded = datasets.Dataset.from_parquet(str(tmp_path / "run/problems.parquet"), cache_dir=str(tmp_path / "cache"))
    assert len(loaded) == result.kept
    assert (
        loaded[0]["prompt"][0]["role"] == "user" and json.loads(loaded[0]["reward_model"]["ground_truth"]) is not None
    )


def test_workers_do_not_change_a_byte(tmp_path: Path) -> None:
    source = make_source(tmp_path / "a.jsonl")
    run_recipe(recipe_for(source), tmp_path / "one", progress=False)
    run_recipe(recipe_for(source, workers=2), tmp_path / "two", progress=False)
    assert outputs(tmp_path / "one") == outputs(tmp_path / "two")


def test_what_was_wrong_is_said(tmp_path: Path) -> None:
    result = run_recipe(recipe_for(make_source(tmp_path / "a.jsonl")), tmp_path / "run", progress=False)
    aside = [json.loads(line) for line in (tmp_path / "run/set_aside.jsonl").read_text().splitlines()]
    assert [(row["file"], row["line"]) for row in aside] == [("a.jsonl", 301), ("a.jsonl", 302)] and all(
        row["reason"] for row in aside
    )
    counts = json.loads((tmp_path / "run/manifest.json").read_text())["counts"]["touched_by_reason"]
    assert sum(counts["rules:url"].values()) == 6 and sum(counts["dedup:exact"].values()) == 30
    assert result.kept == 300 - 6 - 30


def test_a_finished_run_does_nothing_again_and_other_settings_only_what_they_touch(tmp_path: Path) -> None:
    source = make_source(tmp_path / "a.jsonl")
    run_recipe(recipe_for(source), tmp_path / "run", progress=False)
    parts = {p: p.stat().st_mtime_ns for p in (tmp_path / "run/stages").rglob("part-*.jsonl")}
    run_recipe(recipe_for(source), tmp_path / "run", progress=False)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "run/stages").rglob("part-*.jsonl")} == parts
    result = run_recipe(recipe_for(source, select={"rules": []}), tmp_path / "run", progress=False)
    rules = {p: p.stat().st_mtime_ns for p in (tmp_path / "run/stages/01-rules").glob("part-*.jsonl")}
    assert rules.items() <= parts.items()
    assert result.kept == 300 - 30


def test_the_guard_stops_a_stage_that_wipes_out_a_source(tmp_path: Path) -> None:
    rows = [make_problem(f"{words(n)} https://x.org", "1", ability="math", data_source="linked") for n in range(30)]
    write_problems(tmp_path / "a.jsonl", rows)
    with pytest.raises(GuardError, match=r"rules would drop 30 of 30 rows of linked .*rules:url"):
        run_recipe(recipe_for(tmp_path / "a.jsonl"), tmp_path / "run", progress=False)
    result = run_recipe(recipe_for(tmp_path / "a.jsonl", guard={"allow": ["linked"]}), tmp_path / "run", progress=False)
    assert result.kept == 0


def test_a_benchmark_that_is_not_there_stops_the_run(tmp_path: Path) -> None:
    names = ["aime99.jsonl", "items/aime24.jsonl"]
    recipe = recipe_for(make_source(tmp_path / "a.jsonl"), decontaminate={"benchmarks": names})
    with pytest.raises(SourceError, match=r"aime99\.jsonl; .*aime24\.jsonl \(get it from .*Skywork-OR1"):
        run_recipe(recipe, tmp_path / "run", progress=False)


@pytest.mark.parametrize("name", ["or1-math", "or1-code", "skywork-or1-rl-data", "shared-small"])
def test_shipped_recipes_are_valid(name: str) -> None:
    assert load_recipe(name).source


def keys_of(kind: type) -> set[str]:
    """Every key of some settings, with its table: `judge.endpoints.url`."""
    found = set()
    for field in msgspec.structs.fields(kind):
        inner = [part for part in (field.type, *get_args(field.type)) if hasattr(part, "__struct_fields__")]
        found |= {f"{field.name}.{key}" for part in inner for key in keys_of(part)} if inner else {field.name}
    return found


def written(table: dict, known: set[str], place: str = "") -> set[str]:
    found = set()
    for key, value in table.items():
        entry = value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else value
        inner = isinstance(entry, dict) and f"{place}{key}" not in known
        found |= written(entry, known, f"{place}{key}.") if inner else {f"{place}{key}"}
    return found


def test_the_guide_has_an_example_of_every_key_and_no_other() -> None:
    guide = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
    text = next(block for block in re.findall(r"```toml\n(.*?)```", guide, re.S) if "chunk_rows" in block)
    recipe_from(tomllib.loads(text))
    known = keys_of(Recipe)
    of_servers = [key for key in known if key.startswith("difficulty.endpoint.")]
    same = {key.replace("difficulty.endpoint.", "judge.endpoints.") for key in of_servers}
    assert len(known) > 80 and same and same <= known
    found = written(tomllib.loads(text), known)
    assert known - same <= found <= known


def test_the_released_sets_filter_on_rows_of_its_format(tmp_path: Path) -> None:
    def row(n: int, failures: int, ability: str):
        truth = str(n) if ability == "math" else {"inputs": [str(n)], "outputs": ["1"]}
        info = {"index": n, "model_difficulty": {"DeepSeek-R1-Distill-Qwen-7B": failures}}
        return make_problem(f"{ability} {words(n)}", truth, ability=ability, data_source="s", extra_info=info)

    for ability, failures in (("math", (0, 1, 15, 16)), ("code", (0, 1, 7, 8))):
        write_problems(tmp_path / f"{ability}.jsonl", [row(n, f, ability) for n, f in enumerate(failures)])
    sources = [{"path": str(tmp_path / f"{ability}.jsonl"), "adapter": "or1"} for ability in ("math", "code")]
    result = run_recipe(load_recipe("skywork-or1-rl-data", {"source": sources}), tmp_path / "run", progress=False)
    kept = sorted(
        p.extra_info["model_difficulty"]["DeepSeek-R1-Distill-Qwen-7B"]
        for p in read_problems(tmp_path / "run/problems.jsonl")
    )
    assert kept == [1, 1, 7, 15] and result.rows == 8
    assert json.loads((tmp_path / "run/manifest.json").read_text())["difficulty_scale"]["code"] == {
        "DeepSeek-R1-Distill-Qwen-7B": 8
    }


def test_unknown_keys_name_the_nearest() -> None:
    with pytest.raises(ConfigError, match="did you mean 'threshold'"):
        recipe_from({"source": [{"path": "x"}], "dedup": {"treshold": 0.5}})
    with pytest.raises(ConfigError, match="did you mean or1-math"):
        load_recipe("or1-mth")


def run_cli(*arguments: object) -> int:
    try:
        return main([str(argument) for argument in arguments])
    except SystemExit as stop:
        return int(stop.code or 0)


def test_the_commands_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = make_source(tmp_path / "a.jsonl")
    assert run_cli("stats", source, "--source", "or1") == 0
    assert "different problems" in capsys.readouterr().out
    assert run_cli("validate", source, "--source", "or1", "--no-verifier") == 1
    assert "line 301" in capsys.readouterr().out
    assert run_cli("dedup", source, "--source", "or1", "-o", tmp_path / "b.jsonl", "--quiet") == 0
    assert len(list(read_problems(tmp_path / "b.jsonl"))) == 270 and not (tmp_path / "b.jsonl.work").exists()
    assert len((tmp_path / "b.dropped.jsonl").read_text().splitlines()) == 30
    assert len((tmp_path / "b.jsonl.set_aside.jsonl").read_text().splitlines()) == 2
    assert run_cli("rules", tmp_path / "b.jsonl", "-o", tmp_path / "c.parquet", "--quiet", "--workers", 1) == 0
    assert len(list(read_problems(tmp_path / "c.parquet"))) == 264
    write_problems(tmp_path / "bench.jsonl", list(read_problems(tmp_path / "c.parquet"))[:4])
    assert (
        run_cli(
            "decontaminate",
            tmp_path / "c.parquet",
            "-o",
            tmp_path / "d.jsonl",
            "--benchmark",
            tmp_path / "bench.jsonl",
            "--review",
            tmp_path / "r.md",
            "--quiet",
        )
        == 0
    )
    assert (
        len(list(read_problems(tmp_path / "d.jsonl"))) == 260
        and (tmp_path / "r.md").read_text().count("**verbatim**") == 4
    )
    assert (
        run_cli("select", tmp_path / "d.jsonl", "-o", tmp_path / "e.jsonl", "--weight", "s0=0", "--heldout", "0.2") == 0
    )
    train, heldout = (list(read_problems(tmp_path / name)) for name in ("e.jsonl", "e.heldout.jsonl"))
    assert train and heldout and not {p.id for p in train} & {p.id for p in heldout}
    assert {p.data_source for p in train} == {"s1", "s2"}


def test_exit_codes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_cli("--version") == 0
    assert run_cli("nonsense") == 2
    assert run_cli("run", "no-such-recipe") == 2
    assert run_cli("stats", tmp_path / "none.jsonl") == 1
    assert "no such file" in capsys.readouterr().err
    assert run_cli("decontaminate", tmp_path / "x.jsonl", "-o", tmp_path / "y.jsonl") == 2
    for command in (
        "run",
        "stats",
        "validate",
        "rules",
        "answers",
        "dedup",
        "decontaminate",
        "difficulty",
        "judge",
        "select",
    ):
        assert run_cli(command, "--help") == 0
    assert "package.module:function" in capsys.readouterr().out


def test_two_runs_in_one_folder_do_not_mix(tmp_path: Path) -> None:
    import fcntl

    (tmp_path / "run").mkdir()
    with (tmp_path / "run/.lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert run_cli("run", "shared-small", "--out", tmp_path / "run") == 1
