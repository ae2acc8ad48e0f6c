"""The files of a run in the hands of those who train on them: verl, TRL, and our trainer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from or1_data import make_problem, read_problems, write_problems
from or1_data.run import run_recipe
from or1_data.run.recipe import recipe_from

datasets = pytest.importorskip("datasets")

WORDS = [
    "apple",
    "river",
    "stone",
    "cloud",
    "lamp",
    "chair",
    "winter",
    "letter",
    "copper",
    "garden",
    "violin",
    "harbour",
    "candle",
    "meadow",
    "ladder",
    "pocket",
]


def maths(n: int) -> Any:
    one, other, third = WORDS[n % 16], WORDS[n // 16], WORDS[(n * 7) % 16]
    text = f"{one.title()} and {other}: what is ${n}+{n * n}$ plus the number of the {third}s?"
    extra = {"index": n, "model_difficulty": {"m": n % 5}, "model_attempts": {"m": 16}}
    return make_problem(text, str(n), ability="math", data_source="sums", template="boxed", extra_info=extra)


def code(n: int) -> Any:
    truth = {"inputs": ["1\n", f"{n}\n"], "outputs": ["2\n", f"{n + 1}\n"]}
    return make_problem(
        f"Task {n}: read a {WORDS[n % 16]} and print the {WORDS[(n * 3) % 16]} after it, {n} times.",
        truth,
        ability="code",
        data_source="programs",
        extra_info={"difficulty": "EASY", "task_id": f"t{n}"},
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loading")
    write_problems(folder / "maths.jsonl", map(maths, range(60)))
    write_problems(folder / "code.jsonl", map(code, range(6)))
    data = {
        "source": [{"path": str(folder / name), "adapter": "or1"} for name in ("maths.jsonl", "code.jsonl")],
        "split": {"train": 0.9, "heldout": 0.1},
        "dedup": {"threshold": 0.95},
    }
    result = run_recipe(recipe_from(data), folder / "run", progress=False)
    assert result.kept > 50
    return folder / "run"


def load(files: Any, folder: Path) -> Any:
    return datasets.load_dataset("parquet", data_files=files, cache_dir=str(folder / "cache"))


def test_both_parts_load_as_one_set(run: Path, tmp_path: Path) -> None:
    """One set, two splits: `datasets` wants the same columns in both, also where only one part has a code row."""
    files = {name: str(run / f"{name}.parquet") for name in ("train", "heldout")}
    loaded = load(files, tmp_path)
    assert loaded["train"].features == loaded["heldout"].features
    assert set(loaded["train"].features["extra_info"]) >= {"index", "task_id", "model_difficulty"}
    counts = json.loads((run / "manifest.json").read_text())["files"]
    assert {name: len(loaded[name]) for name in files} == {
        name: sum(1 for _ in (run / f"{name}.jsonl").open()) for name in files
    }
    assert counts


def test_verls_dataset_reads_the_columns_it_asks_for(run: Path, tmp_path: Path) -> None:
    """RLHFDataset: load each file, concatenate, take prompt, data_source, reward_model.ground_truth and extra_info."""
    files = [str(run / "train.parquet"), str(run / "heldout.parquet")]
    table = datasets.concatenate_datasets([load(file, tmp_path)["train"] for file in files])
    stored = {p.prompt[0]["content"]: p for name in ("train", "heldout") for p in read_problems(run / f"{name}.jsonl")}
    for row in table:
        messages = row["prompt"]
        assert [set(message) for message in messages] == [{"role", "content"}]
        problem = stored.pop(messages[0]["content"])
        assert row["reward_model"]["ground_truth"] == problem.ground_truth and row["reward_model"]["style"] == "rule"
        assert row["data_source"] == problem.data_source and row["ability"] == problem.ability
        assert row.get("extra_info", {}).get("index", 0) == problem.extra_info.get("index")
    assert not stored


def test_verls_reward_function_scores_the_rows(run: Path, tmp_path: Path) -> None:
    adapter = pytest.importorskip("or1_reward.adapters.verl")
    rows = [row for row in load(str(run / "train.parquet"), tmp_path)["train"] if row["ability"] == "math"][:5]
    for row in rows:
        truth = row["reward_model"]["ground_truth"]
        for text, score in ((f"\\boxed{{{json.loads(truth)}}}", 1.0), ("\\boxed{-1}", 0.0)):
            scored = adapter.compute_score(row["data_source"], text, truth, row["extra_info"])
            assert scored["score"] == score


def test_trl_sees_chat_prompts_and_a_ground_truth_column(run: Path, tmp_path: Path) -> None:
    """TRL's rule for a conversational set: `prompt` is a list of messages. Its reward function gets other columns."""
    adapter = pytest.importorskip("or1_reward.adapters.trl")
    table = load(str(run / "train.parquet"), tmp_path)["train"]
    table = table.filter(lambda row: row["ability"] == "math").select(range(4))
    table = table.map(lambda row: {"ground_truth": row["reward_model"]["ground_truth"]})  # the line of docs/data.md
    for example in table:
        prompt = example["prompt"]
        assert isinstance(prompt, list) and isinstance(prompt[0], dict) and {"role", "content"} <= prompt[0].keys()
    answers = [json.loads(truth) for truth in table["ground_truth"]]
    completions = [[{"role": "assistant", "content": f"\\boxed{{{answer}}}"}] for answer in answers]
    columns = {name: table[name] for name in table.column_names if name != "prompt"}
    reward = adapter.reward_function()
    assert reward(prompts=table["prompt"], completions=completions, **columns) == [1.0] * 4
    assert reward(prompts=table["prompt"], completions=completions[::-1], **columns) == [0.0] * 4


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_our_trainer_loads_both_formats(run: Path, suffix: str) -> None:
    sources = pytest.importorskip("or1_trainer.train.problems")
    from or1_trainer.config.schema import DataSettings

    settings = DataSettings(train=(str(run / f"train.{suffix}"),), heldout=(str(run / f"heldout.{suffix}"),))
    train, heldout = sources.load_problems(settings)
    assert [p.id for p in train] == [p.id for p in read_problems(run / "train.jsonl")]
    assert heldout and not {p.id for p in train} & {p.id for p in heldout}
    assert {p.ability for p in [*train, *heldout]} == {"math", "code"}
