"""Decontamination on labeled positives and negatives, against the 8-gram and 13-gram rules.

    uv run benchmarks/data_decontaminate.py ../shared/data [--rephrased FILE...]

Positives: paraphrases written for this project (tests/data), GSM-Hard (numbers changed), and four benchmarks in another
LaTeX dialect with a prompt suffix; with --rephrased, further files of rows {benchmark, row, text[, answer]}, where row
counts the benchmark's rows from 0. Negatives: sets written apart from the benchmark (`data_rephrased.py`).
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

from data_common import print_machine
from data_rephrased import GROUPS, NEGATIVES, load_items, load_rephrased, problems

from or1_data import make_problem
from or1_data.decontaminate import Matcher, build_index
from or1_data.decontaminate.index import Item
from or1_data.decontaminate.stage import benchmark_items
from or1_data.sources import read_source

REMOVED = ("verbatim", "reformatted", "number_changed", "paraphrase")


def texts(path: Path) -> list[str]:
    return [p.statement for p in read_source(path, set_aside=lambda error: None)]


def ngram_rule(items: list[str], rows: list[str], n: int) -> float:
    """Share of rows that share a word n-gram with any item (lower case, spaces collapsed)."""

    def grams(text: str) -> set[tuple[str, ...]]:
        words = text.lower().split()
        return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}

    known = set().union(*map(grams, items))
    return sum(bool(grams(row) & known) for row in rows) / len(rows)


def other_dialect(text: str) -> str:
    text = re.sub(r"\$([^$]+)\$", r"\\( \1 \\)", text.replace("\\frac", "\\dfrac").replace("\\le ", "\\leq "))
    return text.replace(". ", ".\n\n  ") + " Let's think step by step and output the final answer within \\boxed{}."


def line(name: str, rows: list[str], items: list[str], matcher: Matcher, wanted: tuple[str, ...] = REMOVED) -> None:
    start = time.process_time()
    kinds = Counter(match.kind if match else "none" for match in matcher.match(rows))
    rate = len(rows) / (time.process_time() - start)
    ours = sum(kinds[kind] for kind in wanted) / len(rows)
    print(
        f"{name:34} {len(rows):6}  ours {ours:7.4f}   8-gram {ngram_rule(items, rows, 8):7.4f}   13-gram {ngram_rule(items, rows, 13):7.4f}   {rate:6.0f} rows/s  {dict(kinds)}"
    )


class Benchmark(NamedTuple):
    """A group of items, ready to be matched, and what it says of clean rows."""

    items: list[Item]
    matcher: Matcher
    clean: int
    alarms: float
    alarms_8_gram: float


@cache
def benchmark(folder: Path, group: str) -> Benchmark:
    """The group's matcher, and its false alarms on the negatives."""
    items = load_items(folder, group)
    matcher = Matcher(build_index(items))
    negatives = [p for name in NEGATIVES[group] for p in problems(folder / name, only_old=group == "code")]
    clean = [p.statement for p in negatives]
    found = matcher.match(clean, [p.ground_truth for p in negatives])
    alarms = sum(m is not None and m.kind in REMOVED for m in found) / len(clean)
    return Benchmark(items, matcher, len(clean), alarms, ngram_rule([item.text for item in items], clean, 8))


def rephrased(folder: Path, group: str, file: str | Path) -> None:
    """Recall on labeled paraphrases, without and with what a row's ground truth tells, and false alarms on clean rows.

    The ground truth of a row is its own where the file has one; else its item's, as whoever rewords a problem keeps it.
    """
    rows = [row for row in load_rephrased(file) if row.benchmark in GROUPS[group]]
    if not rows:
        return
    items, matcher, clean, alarms, alarms_8_gram = benchmark(folder, group)
    place = {(item.benchmark, item.reference): number for number, item in enumerate(items)}
    rows = [row for row in rows if (row.benchmark, row.reference) in place]
    own = [place[row.benchmark, row.reference] for row in rows]
    lines = [row.text for row in rows]
    truths = [row.truth or items[item].truth for row, item in zip(rows, own, strict=True)]
    plain, told = (
        sum(m is not None and m.kind in REMOVED and m.item == item for m, item in zip(found, own, strict=True))
        for found in (matcher.match(lines), matcher.match(lines, truths))
    )
    print(
        f"{Path(file).name:34} {group:13} {len(rows):4}  ours {plain / len(rows):.3f}, with the truth {told / len(rows):.3f}"
        f"   8-gram {ngram_rule([item.text for item in items], lines, 8):.3f}"
        f"   false alarms in {clean}: ours {alarms:.4f}   8-gram {alarms_8_gram:.4f}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rephrased", type=Path, nargs="*", default=[])
    arguments = parser.parse_args()
    folder = arguments.folder
    print_machine("or1-data", "numpy")
    test = folder / "gsm8k/grade_school_math__data__test.jsonl"
    items = texts(test)
    matcher = Matcher(build_index(benchmark_items([test])))
    print("paraphrases: share matched to their item")
    ours = ("rephrased.jsonl", "rephrased_unseen.jsonl", "rephrased_independent.jsonl", "rephrased_code.jsonl")
    for file in (*ours, *(path.absolute() for path in arguments.rephrased)):
        for group in GROUPS:
            rephrased(folder, group, file)
    print("positives: share of rows found")
    line("GSM-Hard (numbers changed)", texts(folder / "tora/data__gsm-hard__test.jsonl"), items, matcher)
    for name in ("math500", "aime24", "olympiadbench", "gsm8k_test"):
        file = folder / f"benchmarks/{name}.jsonl"
        rows = [
            make_problem(other_dialect(text), "1", ability="math", data_source="x").statement for text in texts(file)
        ]
        line(
            f"{name}, other dialect",
            rows,
            texts(file),
            Matcher(build_index(benchmark_items([file]))),
            ("verbatim", "reformatted"),
        )
    print("negatives: share of rows found")
    line("GSM8K train / GSM8K test", texts(folder / "gsm8k/grade_school_math__data__train.jsonl"), items, matcher)
    line("MATH train / GSM8K test", texts(folder / "deepscaler/data__train__math.json"), items, matcher)


if __name__ == "__main__":
    main()
