"""Decontamination: each class on real items changed by known steps, and few false alarms on sets written apart."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from or1_data import make_problem
from or1_data.decontaminate import BenchmarkIndex, Matcher, annotate_contamination, build_index
from or1_data.decontaminate.stage import benchmark_items
from or1_data.errors import SourceError
from or1_data.sources import read_source

REMOVED = {"verbatim", "reformatted", "number_changed", "paraphrase"}


@pytest.fixture(scope="module")
def gsm8k() -> BenchmarkIndex:
    folder = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("no real data beside the checkout (../shared/data)")
    return build_index(benchmark_items([folder / "gsm8k/grade_school_math__data__test.jsonl"]))


def texts(real: Path, file: str) -> list[str]:
    return [p.statement for p in read_source(real / file, set_aside=lambda error: None)]


REPHRASED = {
    0: "Each day Janet's ducks produce 16 eggs. Every morning she has three of them for breakfast and uses four more to bake muffins for her friends. Whatever is left she sells at the farmers' market at $2 for each fresh duck egg. How many dollars does she earn at the farmers' market each day?",  # noqa: E501
    2: "Josh tries his luck at flipping a house. He buys it for $80,000 and spends another $50,000 on repairs, which raises the house's value by 150%. What profit does he make?",  # noqa: E501
    3: "Three times a week James runs 3 sprints, each of them 60 meters long. What total distance in meters does James run in a week?",  # noqa: E501
    5: "Kylar went shopping for glasses for his new apartment. A single glass costs $5, while every second glass is sold at only 60% of the price. If Kylar wants 16 glasses, what does he have to pay?",  # noqa: E501
    6: "Charleston owns 4 times as many sheep as Seattle, and Toulouse owns twice as many sheep as Charleston. If Seattle owns 20 sheep, how many sheep do Toulouse, Charleston and Seattle own altogether?",  # noqa: E501
    7: "A 200 GB file is being downloaded by Carla. Her usual speed is 2 GB/minute, but when 40% of the download is done, Windows forces a restart to install updates, which takes 20 minutes. Afterwards she must begin the download again from the start. How many minutes does the download of the file take?",  # noqa: E501
    9: "For each of the first 40 hours she works in a week, Eliza earns $10 per hour. Overtime is paid at 1.2 times her regular hourly rate. What are Eliza's earnings for this week if she worked 45 hours?",  # noqa: E501
    10: "In its first month a new program was downloaded 60 times. In the second month the downloads were three times as many as in the first, but in the third month they fell by 30%. What is the total number of downloads of the program over the three months?",  # noqa: E501
}
"""Item of GSM8K's test set -> the same problem in words of our own."""


def test_rephrased_items_are_found(real: Path, gsm8k: BenchmarkIndex) -> None:
    found = dict(zip(REPHRASED, Matcher(gsm8k).match(list(REPHRASED.values())), strict=True))
    hits = [number for number, match in found.items() if match and match.kind in REMOVED and match.item == number]
    assert len(hits) >= 0.6 * len(REPHRASED), {
        n: m and (m.kind, round(m.words, 2), round(m.numbers, 2)) for n, m in found.items()
    }


def test_false_alarms_stay_below_one_in_a_thousand_for_paraphrases(real: Path, gsm8k: BenchmarkIndex) -> None:
    train = texts(real, "gsm8k/grade_school_math__data__train.jsonl")
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
