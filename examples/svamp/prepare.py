"""SVAMP (arXiv 2103.07191) for the recipe beside this file: problems to train on, held-out ones, solutions to imitate.

    uv run python examples/svamp/prepare.py SVAMP.jsonl svamp/
    uv run or1-trainer train examples/svamp/recipe.toml

SVAMP.jsonl has the set's own columns: Body, Question, Equation, Answer. The set varies about a hundred stories. All
variants of a story are either trained on or held out.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from or1_data import Problem, make_problem, write_problems
from or1_data.sources.math_problems import svamp

HELDOUT_SHARE = 0.2
SAME_STORY = 0.5
"""Share of common words among all words of two problems from which they tell one story."""
TEMPLATE = "{statement} Answer with one number."


def main() -> None:
    """Write train.jsonl, heldout.jsonl and solutions.jsonl."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", type=Path)
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.rows.read_text().splitlines() if line.strip()]
    train, heldout = split(rows)
    options.out.mkdir(parents=True, exist_ok=True)
    write_problems(options.out / "train.jsonl", [problem(row) for row in train])
    write_problems(options.out / "heldout.jsonl", [problem(row) for row in heldout])
    solutions = "".join(json.dumps(solution(row)) + "\n" for row in train)
    (options.out / "solutions.jsonl").write_text(solutions)
    print(f"{len(train)} problems to train on, {len(heldout)} held out")


def split(rows: Sequence[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Hold out whole stories, drawn with a fixed seed, until they are `HELDOUT_SHARE` of the problems."""
    told = stories(rows)
    random.Random(0).shuffle(told)
    heldout: list[dict[str, Any]] = []
    while len(heldout) < HELDOUT_SHARE * len(rows):
        heldout += told.pop()
    return [row for story in told for row in story], heldout


def stories(rows: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Rows that share words, directly or through others, are one story."""
    words = [words_of(f"{row['Body']} {row['Question']}") for row in rows]
    groups: list[list[int]] = []
    for at, own in enumerate(words):
        near = [group for group in groups if any(is_near(own, words[other]) for other in group)]
        groups = [group for group in groups if group not in near] + [[at, *(one for group in near for one in group)]]
    return [[rows[at] for at in group] for group in groups]


def words_of(text: str) -> frozenset[str]:
    """The words of four letters and more."""
    return frozenset(re.findall("[a-z]{4,}", text.lower()))


def is_near(left: frozenset[str], right: frozenset[str]) -> bool:
    """Whether two problems tell one story."""
    return len(left & right) > SAME_STORY * len(left | right)


def problem(row: dict[str, Any]) -> Problem:
    """The problem with the prompt of the recipe."""
    plain = svamp(row, "svamp")
    return make_problem(
        plain.statement, float(row["Answer"]), ability=plain.ability, data_source="svamp", template=TEMPLATE
    )


def solution(row: dict[str, Any]) -> dict[str, Any]:
    """A conversation whose answer is the set's equation: "( 290.0 / 2.0 )" becomes "290 / 2 = 145"."""
    terms = re.sub(r"(\d+)\.0\b", r"\1", row["Equation"]).strip()
    if terms.startswith("(") and terms.count("(") == 1:
        terms = terms.strip("() ")
    prompt = problem(row).prompt[0]
    answer = {"role": "assistant", "content": f"{terms} = {row['Answer']:.10g}"}
    return {"messages": [{"role": "user", "content": prompt["content"]}, answer]}


if __name__ == "__main__":
    main()
