"""Rules: on made-up statements either side of each line, and on hand-labeled real lines."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from or1_data import make_problem
from or1_data.io.rows import iter_rows
from or1_data.rules import RULES, annotate_rules, find
from or1_data.sources import detect

CASES = [
    ("proof", r"Prove that $\sqrt 2$ is irrational.", True),
    ("proof", "Let $n$ be odd. Show that $n^2-1$ is a multiple of 8.", True),
    ("proof", "It can be shown that the limit exists. Find it.", False),
    ("proof", "Find all $n$ and prove that there are no others.", False),
    ("proof", "The census will show that the number fell. In what year is it?", False),
    ("multiple_choice", r"What is $1+1$? $\textbf{(A)}\ 1\qquad\textbf{(B)}\ 2\qquad\textbf{(C)}\ 3$", True),
    ("multiple_choice", "Which?\nA. one\nB. two\nC. three", True),
    ("multiple_choice", "Which? A) 10 B) 20 C) 30 D) 40", True),
    ("multiple_choice", "Points A, B, C, D lie on a line. Find AB.", False),
    ("multiple_choice", "[asy] label((A),N); label((B),N); label((C),N); [/asy] Find $x$.", False),
    ("multiple_choice", "How many 4-subsets of $\\{(A), (B), (C), (D)\\}$ are there?", False),
    ("multi_part", "Let $x>0$. (a) Find the minimum of $x+1/x$. (b) Find where it is reached.", True),
    ("multi_part", "(1) Compute $a$.\n(2) Compute $b$.", True),
    ("multi_part", "How many $f$ satisfy (i) $f(1)=1$; (ii) $f$ is increasing?", False),
    ("multi_part", "She pays $1.50 per card. In 2005. it cost $5.50. How much more?", False),
    ("url", "See https://example.org/x for the statement. Find $n$.", True),
    ("url", "Find $n$ (www.x. is no link).", False),
    ("missing_figure", "In the diagram below, find the angle $x$.", True),
    ("missing_figure", "What is the shaded area? ![](img.png)", True),
    ("missing_figure", "In the diagram, find $x$. [asy] draw((0,0)--(1,1)); [/asy]", False),
    ("missing_figure", "Ann makes a figure of two squares of side 3. What is the area of the figure?", False),
    ("missing_figure", "Ann has two squares of side 3. What is the area of the figure?", True),
    ("missing_figure", "The benzene molecule is shown below: \\chemfig{C*6((-H)-C)}. Count it.", False),
    ("needs_checker", "If there are multiple answers, print any.", True),
    ("needs_checker", "Output one line containing any permutation of length n.", True),
    ("needs_checker", "The combinations may be returned in any order.", True),
    ("needs_checker", "Between different vertices and each pair there is at most one edge.", False),
    ("needs_checker", "In one operation, choose any number from nums and halve it.", False),
    ("needs_checker", "The input is not given in any order.", False),
    ("missing_figure", "The graph of $y=x^2$ meets the line. Find where.", False),
    ("missing_figure", "Each selfie has two students in the picture. How many selfies?", False),
    ("language", "Сколько простых чисел меньше ста? Найдите ответ.", True),
    ("language", "¿Cuál es el número de soluciones de la ecuación que son enteros positivos y menores que diez?", True),
    ("language", "求最小的正整数 $n$。", True),
    ("language", "Let $\\alpha$ be the angle of “Möbius” and Erdős. Find the value of it.", False),
]


@pytest.mark.parametrize(("rule", "statement", "expected"), CASES)
def test_each_side_of_the_line(rule: str, statement: str, expected: bool) -> None:
    truth: object = {"inputs": ["1"], "outputs": ["1"]} if rule == "needs_checker" else "1"
    ability = "code" if rule == "needs_checker" else "math"
    problem = make_problem(statement, truth, ability=ability, data_source="x")
    findings = find(problem, [rule])
    assert bool(findings) is expected
    for finding in findings:
        assert finding.rule == rule
        assert problem.statement[finding.start : finding.end].startswith(finding.text)


@pytest.mark.parametrize(
    ("truth", "reason"),
    [
        ({"inputs": ["1", "1"], "outputs": ["2", "3"]}, "same input"),
        ({"inputs": ["1"], "outputs": ["2", "3"]}, "1 inputs but 2 outputs"),
        ({"inputs": [], "outputs": []}, "no tests"),
        ({"inputs": ["1 2 3..."], "outputs": ["3"]}, "cut off"),
        ({"inputs": ["1", "2"], "outputs": ["", " "]}, "every output is empty"),
        (
            {"import_prefix": "", "test_code": "def check(candidate):\n    candidate(1)\n", "entry_point": "f"},
            "asserts nothing",
        ),
        ({"import_prefix": "", "test_code": "def check(candidate:\n", "entry_point": "f"}, "does not parse"),
        ({"assert_case": ["assert f(1) == 2", "f(2)"]}, "assertion 1"),
        ({"inputs": ["1"], "outputs": ["2"]}, ""),
        ({"inputs": ["[1]"], "outputs": ["no json"], "fn_name": "f"}, "not JSON"),
    ],
)
def test_bad_tests(truth: dict, reason: str) -> None:
    found = find(make_problem("Add.", truth, ability="code", data_source="x"), ["bad_tests"])
    assert (reason in found[0].text) if reason else not found


def test_pictures_of_programming_problems_illustrate() -> None:
    text, truth = "A tree is shown below.\n\n![](tree.png)", {"inputs": ["1"], "outputs": ["1"]}
    assert find(make_problem(text, "1", ability="math", data_source="x"), ["missing_figure"])
    assert not find(make_problem(text, truth, ability="code", data_source="x"), ["missing_figure"])


def test_the_stage_only_notes(real: Path) -> None:
    rows = [make_problem(statement, "1", ability="math", data_source="x") for _, statement, _ in CASES]
    noted = list(annotate_rules(rows))
    assert [p.id for p in noted] == [p.id for p in rows]
    assert all(("rules" in after.notes) == bool(find(before)) for before, after in zip(rows, noted, strict=True))


def test_labeled_real_lines(real: Path) -> None:
    """The rules may miss two of the labels and cry wolf three times, as the README says."""
    wanted: dict[str, dict[int, set[str]]] = {}
    labels = json.loads((Path(__file__).parent / "rule_labels.json").read_text())
    assert len(labels) >= 500
    for file, line, rules in labels:
        wanted.setdefault(file, {})[line] = set(rules)
    counts: Counter[str] = Counter()
    for file, lines in wanted.items():
        for found in iter_rows(real / file):
            if found.line in lines:
                problem = detect(found.row).convert(found.row, "x")
                said = {finding.rule for finding in find(problem)} - {"drawing", "bad_tests"}
                counts["fp"] += len(said - lines[found.line])
                counts["fn"] += len(lines[found.line] - said)
                counts["tp"] += len(said & lines[found.line])
    assert counts["tp"] >= 200 and counts["fp"] <= 3 and counts["fn"] <= 2
    assert set().union(*(lines for file in wanted.values() for lines in file.values())) <= set(RULES)
