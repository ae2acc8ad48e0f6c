"""Hub sets: `datasets` itself reads them, here from a folder and from files on this machine, as no hub is at hand."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from or1_data import SourceError
from or1_data.io import hub
from or1_data.io.hub import is_hub_id, iter_files, iter_hub
from or1_data.io.problems import locate
from or1_data.sources import ADAPTERS, detect, read_source

datasets = pytest.importorskip("datasets")
ROWS = [{"question": f"What is {n}+1?", "answer": f"It is {n + 1}.\n#### {n + 1}"} for n in range(5)]


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


@pytest.fixture
def owner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A set as the hub has it, with two configurations and splits, that `datasets` finds under its id."""
    folder = tmp_path / "owner" / "name"
    for config, split, rows in (("main", "train", ROWS[:3]), ("main", "test", ROWS[3:]), ("socratic", "train", ROWS)):
        file = folder / config / f"{split}-00000-of-00001.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.Table.from_pylist(rows), file)
    files = [
        f"- config_name: {c}\n  data_files:\n  - split: train\n    path: {c}/train-*" for c in ("main", "socratic")
    ]
    files[0] += "\n  - split: test\n    path: main/test-*"
    (folder / "README.md").write_text("---\nconfigs:\n" + "\n".join(files) + "\n---\n")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.parametrize(
    ("identifier", "names"),
    [
        ("owner/name:main", ["owner/name#train"] * 3 + ["owner/name#test"] * 2),
        ("owner/name:main#test", ["owner/name#test"] * 2),
        ("owner/name:socratic#train", ["owner/name#train"] * 5),
    ],
)
def test_configurations_and_splits_are_read_in_order(owner: Path, identifier: str, names: list[str]) -> None:
    found = list(iter_hub(identifier))
    assert [row.file for row in found] == names
    assert [row.line for row in found if row.file == names[0]] == list(range(1, names.count(names[0]) + 1))
    assert detect(found[0].row).name == "gsm8k"
    assert ADAPTERS["gsm8k"].convert(found[-1].row, "x").ground_truth == ("5")


def test_a_configuration_or_split_that_is_not_there_says_so(owner: Path) -> None:
    for wrong in ("owner/name:other", "owner/name:main#validation", "owner/name"):
        with pytest.raises(SourceError, match=f"hub set '{wrong}' cannot be read.*config"):
            list(iter_hub(wrong))


@pytest.mark.parametrize("ending", [".parquet", ".jsonl", ".json", ".arrow"])
def test_a_set_is_read_by_its_files(tmp_path: Path, ending: str) -> None:
    for part, rows in enumerate((ROWS[:3], ROWS[3:])):
        file, table = tmp_path / f"train-{part}{ending}", pa.Table.from_pylist(rows)
        if ending == ".parquet":
            pq.write_table(table, file)
        elif ending == ".arrow":
            with pa.ipc.new_stream(file, table.schema) as writer:
                writer.write_table(table)
        else:
            file.write_text("\n".join(map(json.dumps, rows)))
    assert [dict(row) for row in iter_files(datasets, str(tmp_path / f"train-*{ending}"))] == ROWS


def test_files_of_a_set_go_to_the_hub_even_where_they_look_like_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def load_dataset(builder: str, **options: object) -> list[dict[str, str]]:
        asked.append((builder, options["data_files"], options["streaming"]))
        return ROWS

    monkeypatch.setattr(datasets, "load_dataset", load_dataset)
    url = "hf://datasets/owner/name@main/ALL/train-*.parquet"
    assert is_hub_id(url) and [row.line for row in locate(url)] == [1, 2, 3, 4, 5]
    assert [p.ground_truth for p in read_source(url)] == ["1", "2", "3", "4", "5"]
    assert asked == [("parquet", url, True)] * 2
    with pytest.raises(SourceError, match="unknown kind of file"):
        list(iter_hub("hf://datasets/owner/name/data.csv"))


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (RuntimeError("Dataset scripts are no longer supported, but found TACO.py"), "hf://datasets/owner/name/"),
        (datasets.exceptions.DatasetNotFoundError("Dataset 'o/n' is a gated dataset on the Hub."), "HF_TOKEN"),
        (ConnectionError("Couldn't reach 'o/n' on the Hub (LocalEntryNotFoundError)"), "network"),
        (datasets.exceptions.DatasetGenerationError("An error occurred while generating the dataset"), "config"),
    ],
)
def test_what_the_hub_refuses_is_an_error_with_advice(
    monkeypatch: pytest.MonkeyPatch, error: Exception, advice: str
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(datasets, "load_dataset", refuse)
    with pytest.raises(SourceError, match=f"o/n.*{advice}"):
        list(iter_hub("o/n#train"))


def test_without_the_extra_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(SourceError, match=r"install `or1-data\[hub\]`"):
        list(iter_hub("o/n"))


def test_every_hub_id_of_a_shipped_recipe_can_be_one() -> None:
    recipes = Path(hub.__file__).parents[1] / "recipes"
    found = [SimpleNamespace(**source) for file in recipes.glob("*.toml") for source in _sources(file)]
    ids = [
        source for source in found if not source.path.endswith((".json", ".jsonl")) and "one_shot" not in source.path
    ]
    assert len(ids) >= 9 and all(is_hub_id(source.path) and source.adapter in ADAPTERS for source in ids)


def _sources(file: Path) -> list[dict[str, object]]:
    import tomllib

    return tomllib.loads(file.read_text())["source"]
