"""Duplicates: pairs against a slow computation, stars that never chain, answers that are never lost."""

from __future__ import annotations

import random
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from or1_data import Problem, make_problem
from or1_data.dedup import DedupSettings, annotate_duplicates, exact_pairs, near_pairs
from or1_data.dedup.same import Comparison, tells_apart
from or1_data.sources import read_source
from or1_data.text.canonical import canonical_tokens
from or1_data.text.shingles import shingles_of_texts, shingles_of_tokens


def slow_pairs(documents: list[list[str]], threshold: float, n: int = 5) -> set[tuple[int, int]]:
    """All pairs by Python sets of token n-grams."""
    sets = [
        {tuple(tokens[i : i + n]) for i in range(max(1, len(tokens) - n + 1))} if tokens else set()
        for tokens in documents
    ]
    return {
        (i, j)
        for i in range(len(sets))
        for j in range(i + 1, len(sets))
        if sets[i] and sets[j] and len(sets[i] & sets[j]) >= threshold * len(sets[i] | sets[j]) - 1e-9
    }


def closure_of_identical(pairs) -> set[tuple[int, int]]:
    """Pairs as reported, identical documents multiplied out by hand."""
    leader: dict[int, int] = {}
    for a, b, s in zip(pairs.first.tolist(), pairs.second.tolist(), pairs.similarity.tolist(), strict=True):
        if s == 1.0:
            leader[b] = a
    members: dict[int, list[int]] = {}
    for b, a in leader.items():
        members.setdefault(a, [a]).append(b)
    result = {tuple(sorted((a, b))) for group in members.values() for a in group for b in group if a != b}
    for a, b, s in zip(pairs.first.tolist(), pairs.second.tolist(), pairs.similarity.tolist(), strict=True):
        if s < 1.0:
            result |= {tuple(sorted((x, y))) for x in members.get(a, [a]) for y in members.get(b, [b])}
    return result


@given(
    st.lists(st.lists(st.sampled_from("abcde"), max_size=12), min_size=1, max_size=14), st.sampled_from([0.4, 0.7, 1.0])
)
def test_the_exact_join_is_exact(documents: list[list[str]], threshold: float) -> None:
    found = exact_pairs(shingles_of_tokens(documents, 2), DedupSettings(threshold=threshold, ngram=2))
    assert closure_of_identical(found) == slow_pairs(documents, threshold, 2)


def test_bands_find_what_the_join_finds_on_real_text(real: Path) -> None:
    texts = [
        p.statement
        for f in ("deepscaler/data__train__math.json", "tora/data__math__test.jsonl")
        for p in read_source(real / f, set_aside=lambda e: None)
    ]
    shingles = shingles_of_texts(texts)
    exact, near = (
        set(zip(p.first.tolist(), p.second.tolist(), strict=True))
        for p in (exact_pairs(shingles, DedupSettings()), near_pairs(shingles, DedupSettings()))
    )
    assert near <= exact and len(exact) > 200
    assert len(near) >= 0.995 * len(exact)
    slow = slow_pairs([canonical_tokens(text) for text in texts[:400]], 0.7)
    assert {pair for pair in exact if max(pair) < 400} >= slow - {
        p for p in slow if len(canonical_tokens(texts[p[0]])) < 5
    }


def sentence(rng: random.Random, words: int) -> list[str]:
    return [f"w{rng.randrange(4000)}" for _ in range(words)]


def problem(words: list[str], answer: str, source: str = "s", **kwargs) -> Problem:
    return make_problem(" ".join(words), answer, ability="math", data_source=source, **kwargs)


def test_stars_do_not_chain() -> None:
    """A-B and B-C are near, A-C is not: a component would drop both C and A, a star only what it matches itself."""
    rng = random.Random(0)
    base = ["".join(rng.choices("abcdefgh", k=7)) for _ in range(50)]
    rows = [problem(base[:end], "1") for end in (32, 40, 50)]
    alike = slow_pairs([list(p.statement.split()) for p in rows], 0.7)
    assert alike == {(0, 1), (1, 2)}, "and not (0, 2)"
    noted = list(annotate_duplicates(rows))
    for row in noted:
        note = row.notes.get("dedup", {})
        if "duplicate_of" in note:
            kept = next(p for p in noted if p.id == note["duplicate_of"])
            assert "duplicate_of" not in kept.notes.get("dedup", {})
            assert slow_pairs([kept.statement.split(), row.statement.split()], 0.7) == {(0, 1)}
    assert sum("duplicate_of" in p.notes.get("dedup", {}) for p in noted) in (1, 2)


def test_nothing_is_dropped_on_another_answer() -> None:
    words = sentence(random.Random(1), 40)
    rows = [problem(words, "1"), problem(words, "2", "t"), problem([*words[:-1], "w9999"], "3")]
    noted = list(annotate_duplicates(rows))
    assert not any("duplicate_of" in p.notes.get("dedup", {}) for p in noted)
    assert "conflict" in noted[0].notes["dedup"] and "conflict" in noted[1].notes["dedup"]
    assert "conflict" not in noted[2].notes["dedup"] and noted[2].notes["dedup"]["variants"] == 2


def test_a_verifier_may_say_that_answers_are_the_same() -> None:
    words = sentence(random.Random(2), 30)
    rows = [problem(words, "1/2"), problem(words, "0.5", "t")]
    halves = {"1/2", "0.5"}
    noted = list(annotate_duplicates(rows, comparison=Comparison(lambda a, b: {a, b} == halves)))
    assert sum("duplicate_of" in p.notes.get("dedup", {}) for p in noted) == 1


@pytest.mark.parametrize("seed", range(4))
def test_what_stays_does_not_depend_on_the_order(seed: int) -> None:
    rng = random.Random(5)
    rows = []
    for _ in range(40):
        words = sentence(rng, 30)
        rows += [problem([*words[:k], f"w{rng.randrange(9)}", *words[k + 1 :]], "7", f"s{k % 3}") for k in (0, 29, 29)]
    shuffled = random.Random(seed).sample(rows, len(rows))

    def kept(some: list[Problem]) -> list[tuple[str, str]]:
        return sorted(
            (p.id, p.data_source) for p in annotate_duplicates(some) if "duplicate_of" not in p.notes.get("dedup", {})
        )

    assert kept(rows) == kept(shuffled)


def test_the_better_copy_stays() -> None:
    words = sentence(random.Random(3), 30)
    rows = [problem(words, "1", "a"), problem(words, "1", "b", solution="worked out"), problem(words, "1", "c")]
    noted = list(annotate_duplicates(rows, DedupSettings(priority=("c",))))
    assert ["duplicate_of" in p.notes.get("dedup", {}) for p in noted] == [True, True, False]
    assert noted[0].notes["dedup"]["source"] == "c"
    noted = list(annotate_duplicates(rows))
    assert ["duplicate_of" in p.notes.get("dedup", {}) for p in noted] == [True, False, True], "the one with a solution"
    noted = list(annotate_duplicates([rows[0], rows[2]], DedupSettings(priority=("c",))))
    assert "duplicate_of" in noted[0].notes["dedup"]


def test_code_with_contradicting_tests_is_not_a_copy() -> None:
    def code(outputs: list[str]) -> Problem:
        return make_problem(
            "Read two integers and print their sum, please, on one line.",
            {"inputs": ["1 2", "3 4"], "outputs": outputs},
            ability="code",
            data_source="x",
        )

    same = list(annotate_duplicates([code(["3", "7"]), code(["3\n", "7\n"])]))
    other = list(annotate_duplicates([code(["3", "7"]), code(["2", "12"])]))
    assert sum("duplicate_of" in p.notes.get("dedup", {}) for p in same) == 1
    assert all("conflict" in p.notes["dedup"] for p in other)


def test_hundred_copies_leave_one() -> None:
    rows = [problem(sentence(random.Random(k), 25), str(k)) for k in range(3)] * 100
    noted = list(annotate_duplicates(rows))
    kept = [p for p in noted if "duplicate_of" not in p.notes.get("dedup", {})]
    assert len(kept) == 3 and all(p.notes["dedup"]["copies"] == 99 for p in kept)


def test_hashes_are_the_same_in_every_process() -> None:
    values = shingles_of_texts(["Find $x^2 + 1$ for $x = 3$ please", "short"]).values
    assert values.dtype == np.uint32 and int(values.astype(np.uint64).sum()) == 19707292950


def noted_of(rows: list[Problem]) -> list[dict]:
    return [problem.notes.get("dedup") or {} for problem in annotate_duplicates(rows)]


def test_rows_of_one_template_stay(shared_data: Path) -> None:
    rows = list(read_source(shared_data / "reports/data/d12_countdown.jsonl"))
    notes = noted_of(rows)
    assert not any("duplicate_of" in note for note in notes) and all(note["variants"] for note in notes)


@pytest.mark.parametrize("name", ["d09_leetcode_pairs.jsonl", "d11_easy_hard.jsonl"])
def test_sisters_of_programming_problems_stay(shared_data: Path, name: str) -> None:
    rows = list(read_source(shared_data / "reports/data" / name))
    assert not any("duplicate_of" in note for note in noted_of(rows))


def test_the_users_order_of_sources_comes_first(shared_data: Path) -> None:
    rows = list(read_source(shared_data / "reports/data/d15_priority.jsonl"))
    rows = [replace(row, data_source=row.extra_info["source"]) for row in rows]
    noted = list(annotate_duplicates(rows, DedupSettings(priority=("A", "B"))))
    assert ["duplicate_of" in (p.notes.get("dedup") or {}) for p in noted] == [False, True]


LONG = "In a town by the sea there live several families who own boats and nets and sell their fish on the market"


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (f"{LONG}. What is the largest share?", f"{LONG}. What is the smallest share?", True),
        (f"{LONG}. Find the share of x.", f"{LONG}. Find the share of y.", True),
        (f"{LONG}. Arrange the letters of MADAM.", f"{LONG}. Arrange the letters of LEVEL.", True),
        (f"{LONG}. This need be sorted.", f"{LONG}. This need not be sorted.", True),
        (f"{LONG}. Find $f(x)+y$.", f"{LONG}. Find $f(x)-y$.", True),
        (f"{LONG}. Find the share.", f"Town by the sea: {LONG}. Find the share.", False),
        (f"{LONG}. Find the share of a familly.", f"{LONG}. Find the share of a family.", False),
        (f"{LONG}. Find the share.", f"{LONG}. Determine the share.", False),
    ],
)
def test_words_that_make_another_problem(one: str, other: str, apart: bool) -> None:
    assert tells_apart(tuple(canonical_tokens(one)), tuple(canonical_tokens(other))) is apart
    notes = noted_of([problem(text.split(), "30") for text in (one, other)])
    assert any("duplicate_of" in note for note in notes) is not apart


def test_a_near_copy_of_code_must_share_tests_or_pass_them() -> None:
    def code(words: str, given: str, solution: str = "") -> Problem:
        truth = {"inputs": [given], "outputs": ["3"]}
        return make_problem(f"{LONG}. {words}", truth, ability="code", data_source="x", solution=solution)

    def gone(*rows: Problem, comparison: Comparison | None = None) -> int:
        return sum(
            "duplicate_of" in (p.notes.get("dedup") or {}) for p in annotate_duplicates(rows, comparison=comparison)
        )

    first, same = code("Print the sum of it.", "1 2", "print(3)"), code("Print the sum of them.", "1 2")
    unknown = code("Print the sum of these.", "0 3")
    assert gone(first, same) == 1, "they share a test"
    assert gone(first, unknown) == 0, "nothing shows that they are the same"
    assert gone(first, unknown, comparison=Comparison(passes=lambda program, truth: True)) == 1
    assert gone(first, unknown, comparison=Comparison(passes=lambda program, truth: False)) == 0
    assert gone(first, same, comparison=Comparison(passes=lambda program, truth: False)) in (0, 1)


def test_one_text_with_many_answers_and_one_template_take_seconds() -> None:
    statement = "Use the figure to find the length of the side that is marked."
    begun = time.process_time()
    rows = [make_problem(statement, str(n), ability="math", data_source="g") for n in range(3000)]
    notes = noted_of(rows)
    assert all("conflict" in note for note in notes)
    template = "Using the numbers {}, create an equation that equals 22. You can use basic arithmetic operations once."
    rng = random.Random(0)
    rows = [
        make_problem(template.format([rng.randrange(1, 99) for _ in range(4)]), "22", ability="math", data_source="c")
        for _ in range(2000)
    ]
    assert len({row.id for row in rows}) == sum("duplicate_of" not in note for note in noted_of(rows))
    assert time.process_time() - begun < 20  # the time of a slow machine; today's would be minutes
