"""The row format: what is read is what was written, and what is broken is named."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_data import (
    Problem,
    SchemaError,
    SourceError,
    make_problem,
    problem_from_row,
    read_problems,
    row_of,
    write_problems,
)
from or1_data.ground_truth import answers, ground_truth_kind, ground_truth_text
from or1_data.io.rows import iter_rows

ROW = {
    "data_source": "made-up",
    "prompt": [{"role": "user", "content": "What is $1+1$?"}],
    "ability": "math",
    "reward_model": {"style": "rule", "ground_truth": '["2"]'},
    "extra_info": {"index": 3, "model_difficulty": {"m": 4}, "model_attempts": {"m": 16}},
}


def test_a_row_comes_back_as_it_was() -> None:
    assert row_of(problem_from_row(ROW)) == ROW


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_files_round_trip_with_uneven_extra_info(tmp_path: Path, suffix: str) -> None:
    rows = [
        problem_from_row({**ROW, "extra_info": info})
        for info in ({"a": 1}, {"b": [1, 2]}, {"a": 2, "c": {"d": "x"}}, {})
    ]
    rows[0] = rows[0].with_note("rules", [{"rule": "url", "start": 0}])
    assert write_problems(tmp_path / f"x{suffix}", rows) == 4
    assert list(read_problems(tmp_path / f"x{suffix}")) == rows


def test_values_that_disagree_become_json_text_in_parquet(tmp_path: Path) -> None:
    rows = [problem_from_row({**ROW, "extra_info": {"a": value}}) for value in (1, "one", [1])]
    write_problems(tmp_path / "x.parquet", rows)
    assert [json.loads(p.extra_info["a"]) for p in read_problems(tmp_path / "x.parquet")] == [1, "one", [1]]


def test_real_rows_round_trip(real: Path, tmp_path: Path) -> None:
    for name in ("aime24", "aime25"):
        problems = list(read_problems(real / "skywork_or1" / f"or1_data__eval__{name}.parquet"))
        assert len(problems) == 30
        for suffix in (".parquet", ".jsonl"):
            write_problems(tmp_path / f"x{suffix}", problems)
            assert list(read_problems(tmp_path / f"x{suffix}")) == problems


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"prompt": "text"}, "prompt"),
        ({"prompt": []}, "prompt"),
        ({"prompt": [{"role": "user"}]}, "prompt"),
        ({"prompt": [{"role": "system", "content": "x"}]}, "prompt"),
        ({"ability": "poetry"}, "ability"),
        ({"ability": "code"}, "reward_model.ground_truth"),
        ({"reward_model": {"style": "rule", "ground_truth": ""}}, "reward_model.ground_truth"),
        ({"reward_model": {"style": "rule", "ground_truth": '{"input": []}'}}, "reward_model.ground_truth"),
        ({"reward_model": None}, "reward_model"),
        ({"data_source": 3}, "data_source"),
    ],
)
def test_a_broken_row_names_file_line_and_key(tmp_path: Path, change: dict, key: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(ROW) + "\n\n" + json.dumps({**ROW, **change}) + "\n" + json.dumps(ROW) + "\n")
    with pytest.raises(SchemaError) as caught:
        list(read_problems(path))
    assert (caught.value.file, caught.value.line, caught.value.key) == (str(path), 3, key)
    assert "line 3" in str(caught.value)
    aside: list[SchemaError] = []
    assert len(list(read_problems(path, set_aside=aside.append))) == 2
    assert [error.line for error in aside] == [3]


def test_null_keys_of_padded_code_rows_do_not_count() -> None:
    padded = json.dumps(
        {"inputs": ["1"], "outputs": ["2"], "fn_name": None, "import_prefix": None, "question_id": None}
    )
    assert ground_truth_kind(padded) == "stdio"


def test_an_interval_is_one_answer_and_strings_are_alternatives() -> None:
    assert answers(ground_truth_text("[7, 47]")) == ["[7, 47]"]
    assert answers(ground_truth_text('["7", "47"]')) == ["7", "47"]
    assert answers(ground_truth_text(r"\frac{1}{2}")) == [r"\frac{1}{2}"]
    assert answers(ground_truth_text("0.10")) == ["0.1"]


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda c: st.lists(c) | st.dictionaries(st.text(), c),
        max_leaves=6,
    )
)
def test_any_row_is_a_problem_or_a_schema_error(value: object) -> None:
    for key in ROW:
        try:
            assert isinstance(problem_from_row({**ROW, key: value if key != "extra_info" else {"x": value}}), Problem)
        except SchemaError as error:
            assert str(error)


def test_a_json_array_is_read_piece_by_piece_and_gz_too(tmp_path: Path) -> None:
    rows = [{"n": index, "text": "x" * 3000, "nested": {"list": [1, 2.5, None]}} for index in range(100)]
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1))
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as stream:
        stream.writelines(json.dumps(row) + "\n" for row in rows)
    for name in ("a.json", "a.jsonl.gz"):
        assert [found.row for found in iter_rows(tmp_path / name)] == rows
        assert [found.line for found in iter_rows(tmp_path / name)] == list(range(1, 101))


def test_a_cut_file_is_an_error_not_an_end(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"a": 1}, {"b": 2')
    with pytest.raises(SourceError, match=r"a\.json"):
        list(iter_rows(tmp_path / "a.json"))
    whole = gzip.compress(b'{"a": 1}\n' * 5000)
    (tmp_path / "b.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(SourceError, match="complete"):
        list(iter_rows(tmp_path / "b.jsonl.gz"))
    with pytest.raises(SourceError, match="no such file"):
        list(iter_rows(tmp_path / "none.jsonl"))


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    write_problems(path, [problem_from_row(ROW)])
    before = path.read_bytes()

    def breaks():
        yield problem_from_row(ROW)
        raise RuntimeError("midway")

    with pytest.raises(RuntimeError):
        write_problems(path, breaks())
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["x.jsonl"]


def test_the_id_is_of_the_content_not_of_its_spelling() -> None:
    def of(statement: str, **kwargs: str) -> str:
        return make_problem(statement, "1", ability="math", data_source=kwargs.get("source", "a")).id

    same = [
        r"Find $\dfrac{1}{2}+x^{2}$.",
        r"find \(\frac12 + x²\)",
        "Find $\\frac{1}{2} + x^2$. Let's think step by step and output the final answer within \\boxed{}.",
    ]
    assert len({of(text) for text in same}) == 1
    different = [
        r"Find $x^2$",
        r"Find $x2$",
        r"Find $X^2$",
        r"Find $x^3$",
        r"Find $-x^2$",
        r"Find $\gamma^2$",
        r"Find $\Gamma^2$",
    ]
    assert len({of(text) for text in different}) == len(different)
