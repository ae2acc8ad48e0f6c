"""Decontamination: each class on real items changed by known steps, and few false alarms on sets written apart."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from or1_data import make_problem
from or1_data.decontaminate import BenchmarkIndex, Matcher, annotate_contamination, build_index
from or1_data.decontaminate.stage import benchmark_items
from or1_data.errors import SourceError
from or1_data.sources import read_source
from or1_data.text.canonical import canonical_tokens
from or1_data.text.core import core_text
from or1_data.text.words import numbers

REMOVED = {"verbatim", "reformatted", "number_changed", "paraphrase"}


@pytest.fixture(scope="module")
def gsm8k() -> BenchmarkIndex:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data beside the checkout (../shared/data)")
    return build_index(benchmark_items([folder / "gsm8k/grade_school_math__data__test.jsonl"]))


def texts(real: Path, file: str) -> list[str]:
    return [p.statement for p in read_source(real / file, set_aside=lambda error: None)]


def rephrased(file: str, benchmark: str) -> list[tuple[int, str]]:
    """(row of the benchmark from 0, the same problem in other words), as written by a language model."""
    lines = (Path(__file__).parent / file).read_text(encoding="utf-8").splitlines()
    return [(row["row"], row["text"]) for row in map(json.loads, lines) if row["benchmark"] == benchmark]


def found_share(index: BenchmarkIndex, rows: list[tuple[int, str]], truths: list[str] | None = None) -> float:
    """Share of the rows that are removed, and as copies of their own item."""
    matches = Matcher(index).match([text for _, text in rows], truths or ())
    right = [m is not None and m.kind in REMOVED and m.item == row for (row, _), m in zip(rows, matches, strict=True)]
    return sum(right) / len(right)


@pytest.mark.parametrize("file", ["rephrased.jsonl", "rephrased_unseen.jsonl"])
def test_rephrased_items_are_found(gsm8k: BenchmarkIndex, file: str) -> None:
    rows = rephrased(file, "gsm8k_test")
    assert len(rows) >= 30 and found_share(gsm8k, rows) >= 0.8


def test_rephrased_items_with_their_answers_are_found_and_other_problems_are_not(
    gsm8k: BenchmarkIndex, real: Path
) -> None:
    """An item with the row's answer is looked at even if hardly a word is the same."""
    truths = [item.truth for item in gsm8k.items]
    for file, least in (("rephrased.jsonl", 0.956), ("rephrased_independent.jsonl", 0.94)):
        rows = rephrased(file, "gsm8k_test")
        assert found_share(gsm8k, rows, [truths[row] for row, _ in rows]) >= least
        others = [truths[(row + 1) % len(truths)] for row, _ in rows]
        assert found_share(gsm8k, rows, others) < 0.1, "another answer is another problem"
    train = list(read_source(real / "gsm8k/grade_school_math__data__train.jsonl", set_aside=lambda error: None))[::3]
    alarms = [kind for kind in classes(gsm8k, train) if kind in REMOVED - {"number_changed"}]
    assert len(alarms) <= 0.001 * len(train)


@pytest.mark.parametrize(
    ("file", "name", "least"),
    [
        ("rephrased.jsonl", "aime24", 0.75),
        ("rephrased.jsonl", "aime25", 0.75),
        ("rephrased_unseen.jsonl", "hmmt_feb_2025", 0.7),
    ],
)
def test_rephrased_contest_items_are_found_and_other_contests_are_not(
    real: Path, file: str, name: str, least: float
) -> None:
    index = build_index(benchmark_items([real / f"benchmarks/{name}.jsonl"]))
    assert found_share(index, rephrased(file, name)) >= least
    others = texts(real, "deepscaler/data__train__aime.json") + texts(
        real, "still/evaluation__dataset__omni_math_num_500.jsonl"
    )
    alarms = [match for match in Matcher(index).match(others) if match and match.kind in REMOVED]
    assert len(alarms) <= 0.001 * len(others)


def test_the_same_item_in_two_benchmark_files_is_still_found(real: Path) -> None:
    files = [real / "benchmarks/aime24.jsonl", real / "orz_eval/data__eval_data__aime2024.json"]
    index = build_index(benchmark_items(files))
    matches = Matcher(index).match([text for _, text in rephrased("rephrased.jsonl", "aime24")])
    assert sum(m is not None and m.kind in REMOVED for m in matches) >= 0.75 * len(matches)


def test_reworded_programming_problems_that_keep_their_limits_are_found(real: Path) -> None:
    index = build_index(benchmark_items([real / "rllm_code/test__code__codeforces.json"]))
    assert found_share(index, rephrased("rephrased_unseen.jsonl", "codeforces")) >= 0.75
    others = texts(real, "leetcode_dataset/data__LeetCodeDataset-v0.2.0-train.jsonl.gz")[:300]
    assert not [match for match in Matcher(index).match(others) if match and match.kind in REMOVED]


def test_spelled_numbers_are_numbers() -> None:
    tokens = canonical_tokens("Twenty-five eggs, sixty two hens, $1.50 and one third of 1,000; seven - eight.")
    assert numbers(tokens) == Counter(["25", "62", "1.5", "1", "3", "1000", "7", "8"])


def test_what_is_asked_is_told_apart_from_limits_and_samples() -> None:
    ask = "Count the pairs of equal numbers among the n integers that are given to you in one line."
    assert core_text(f"{ask}\n\nInput Format:\nn lines\n\nExample\n1 2").strip() == ask
    assert core_text(f"{ask}\n```python\ndef f(): pass\n```").strip() == ask
    assert core_text("Print n.\nInput\nOne number n.") == "Print n.\nInput\nOne number n."
    assert core_text("The input of $f$ is 3. Find $f(3)$.") == "The input of $f$ is 3. Find $f(3)$."


def test_a_benchmark_row_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "b.jsonl"
    file.write_text('{"problem": "What is 1+1?", "answer": "2"}\n{"problem": "", "answer": "2"}\n')
    with pytest.raises(SourceError, match=r"b\.jsonl, line 2.*cannot be found"):
        list(benchmark_items([file]))


def test_false_alarms_stay_below_one_in_a_thousand_for_paraphrases(real: Path, gsm8k: BenchmarkIndex) -> None:
    train = texts(real, "gsm8k/grade_school_math__data__train.jsonl")[::2]
    kinds = Counter(match.kind for match in Matcher(gsm8k).match(train) if match)
    assert kinds["paraphrase"] <= 0.001 * len(train)
    assert kinds["verbatim"] + kinds["reformatted"] == 0


def test_changed_numbers_are_changed_numbers(real: Path, gsm8k: BenchmarkIndex) -> None:
    hard = texts(real, "tora/data__gsm-hard__test.jsonl")
    matches = Matcher(gsm8k).match(hard)
    assert sum(m is not None and m.kind in REMOVED for m in matches) >= 0.99 * len(hard)
    for text, match in zip(hard, matches, strict=True):
        if match and match.kind == "verbatim":
            assert " ".join(text.split()) == " ".join(gsm8k.items[match.item].text.split())


def other_dialect(text: str) -> str:
    """The same statement as another site would typeset it."""
    text = re.sub(r"\$([^$]+)\$", r"\\( \1 \\)", text.replace("\\frac", "\\dfrac").replace("\\le ", "\\leq "))
    text = (
        text.replace("(", "\\left(").replace("\\\\left(", "\\(") if "\\left" not in text and "\\(" not in text else text
    )
    return text.replace(". ", ".\n\n  ") + " Let's think step by step and output the final answer within \\boxed{}."


@pytest.mark.parametrize("name", ["math500", "aime24", "olympiadbench", "gsm8k_test"])
def test_another_dialect_is_the_same_item(real: Path, name: str) -> None:
    index = build_index(benchmark_items([real / f"benchmarks/{name}.jsonl"]))
    rows = [make_problem(other_dialect(item.text), "1", ability="math", data_source="x") for item in index.items]
    noted = [p.notes.get("decontaminate") for p in annotate_contamination(rows, index)]
    good = [note for note in noted if note and note["class"] in ("verbatim", "reformatted")]
    assert len(good) >= 0.995 * len(rows)
    assert good[0]["evidence"]["row"] and good[0]["evidence"]["item"]


def test_shared_phrases_are_not_contamination() -> None:
    items = [
        type(i)(*i)
        for i in benchmark(
            "If $p/q$ is in lowest terms, $m$ and $n$ are relatively prime positive integers, and the triangle has legs 5 and 12, find $m+n$."  # noqa: E501
        )
    ]
    row = "A bag has 7 red and 3 blue balls. The chance to draw red is $m/n$, where $m$ and $n$ are relatively prime positive integers. Find $m+n$."  # noqa: E501
    match = Matcher(build_index(items)).match([row])[0]
    assert match is None or match.kind == "template"


def benchmark(*statements: str):
    from or1_data.decontaminate.index import Item

    return [Item("made-up", f"f#{n}", text) for n, text in enumerate(statements, start=1)]


def test_a_short_item_matches_itself_and_not_a_long_row_around_it() -> None:
    matcher = Matcher(build_index(benchmark("What is $56.78-43.6?$")))
    assert matcher.match(["what is 56.78 - 43.6 ?"])[0].kind in ("verbatim", "reformatted")
    assert matcher.match(["What is $56.79-43.6?$"])[0] is None or matcher.match(["What is $56.79-43.6?$"])[
        0
    ].kind not in ("verbatim", "reformatted")


def test_the_saved_index_matches_alike_and_holds_no_text(tmp_path: Path, gsm8k: BenchmarkIndex, real: Path) -> None:
    gsm8k.save(tmp_path / "i.npz")
    loaded = BenchmarkIndex.load(tmp_path / "i.npz")
    rows = texts(real, "tora/data__gsm-hard__test.jsonl")[:100]
    assert Matcher(loaded).match(rows) == Matcher(gsm8k).match(rows)
    import zipfile

    with zipfile.ZipFile(tmp_path / "i.npz") as archive:
        raw = b"".join(archive.read(name) for name in archive.namelist())
    assert b"Janet" not in raw and b"muffins" not in raw
    (tmp_path / "bad.npz").write_bytes(b"no index")
    with pytest.raises(SourceError, match="benchmark index"):
        BenchmarkIndex.load(tmp_path / "bad.npz")


def classes(index: BenchmarkIndex, rows: list) -> list[str | None]:
    matches = Matcher(index).match([p.statement for p in rows], [p.ground_truth for p in rows])
    return [match.kind if match else None for match in matches]


@pytest.mark.parametrize("name", ["d20_reformatted_other_problem.jsonl", "d21_math500_false_alarms.jsonl"])
def test_reported_false_alarms_are_marks_at_most(shared_data: Path, name: str) -> None:
    index = build_index(benchmark_items([shared_data / "benchmarks/math500.jsonl"]))
    rows = list(read_source(shared_data / "reports/data" / name))
    assert set(classes(index, rows)) <= {None, "template", "number_changed"}
    from or1_data.select import SelectSettings, reasons

    noted = annotate_contamination(rows, index)
    assert not any(reasons(problem, SelectSettings(rules=())) for problem in noted)


def test_false_alarms_on_the_commonest_pair(real: Path) -> None:
    """MATH train against MATH-500: of what is dropped, three rows are not the same problem, as read by eye."""
    index = build_index(benchmark_items([real / "benchmarks/math500.jsonl"]))
    rows = list(read_source(real / "deepscaler/data__train__math.json", set_aside=lambda error: None))[::2]
    found = Counter(classes(index, rows))
    assert found["paraphrase"] + found["reformatted"] <= 0.001 * len(rows)


def test_a_saved_index_gives_no_answers_away(tmp_path: Path, shared_data: Path) -> None:
    index = build_index(benchmark_items([shared_data / "benchmarks/aime24.jsonl"]))
    index.save(tmp_path / "i.npz")
    assert any(index.features.answers) and not any(BenchmarkIndex.load(tmp_path / "i.npz").features.answers)
    with np.load(tmp_path / "i.npz") as stored:
        head = json.loads(stored["head"].tobytes())
    assert not {"answers", "answer_weights"} & head["features"].keys()
