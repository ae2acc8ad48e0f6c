"""SVAMP (arXiv 2103.07191) for the recipe beside this file: problems to train on, held-out ones, solutions to imitate.

    uv run python examples/svamp/prepare.py SVAMP.jsonl svamp/
    uv run or1-trainer train examples/svamp/recipe.toml

SVAMP.jsonl (or any other file or hub set that or1-data reads) has the set's own columns: Body, Question, Equation,
Answer. The set varies about a hundred stories. All variants of a story are either trained on or held out: words in
common, also through a third problem, make a story, where or1-data's search for duplicates wants each pair alike.
"""

from __future__ import annotations

import argparse
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from or1_data import DataError, Problem, SchemaError, make_problem, write_problems
from or1_data.io.problems import locate
from or1_data.sources.math_problems import svamp

COLUMNS = ("Body", "Question", "Equation", "Answer")
HELDOUT_SHARE = 0.2
SAME_STORY = 0.5
"""Share of common words among all words of two problems from which they tell one story."""
TEMPLATE = "{statement} Answer with one number."


def main() -> None:
    """Write train.jsonl, heldout.jsonl and solutions.jsonl."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    try:
        train, heldout = split(read_rows(options.rows))
    except (DataError, OSError) as error:
        raise SystemExit(f"prepare.py: {error}") from error
    options.out.mkdir(parents=True, exist_ok=True)
    write_problems(options.out / "train.jsonl", [problem(row) for row in train])
    write_problems(options.out / "heldout.jsonl", [problem(row) for row in heldout])
    solutions = "".join(json.dumps(solution(row)) + "\n" for row in train)
    (options.out / "solutions.jsonl").write_text(solutions)
    print(f"{len(train)} problems to train on, {len(heldout)} held out")


def read_rows(source: str) -> list[dict[str, Any]]:
    """The rows of the set; `SchemaError` names file and line of one without a column."""
    rows = []
    for file, line, row in locate(source):
        if isinstance(row, SchemaError):
            raise row.at(file, line)
        if missing := [column for column in COLUMNS if column not in row]:
            raise SchemaError(f"no column {', '.join(missing)}", file=file, line=line, todo="give SVAMP's own file")
        rows.append(row)
    return rows


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
