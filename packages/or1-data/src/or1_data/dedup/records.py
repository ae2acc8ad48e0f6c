"""What the duplicate search needs to know of a document: its ground truth, what tells it apart, and why it may stay."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from or1_data.ground_truth import answers, ground_truth_value
from or1_data.schema import ORIGIN, Problem, row_of
from or1_data.text.canonical import canonical_tokens
from or1_data.text.program import signature
from or1_data.text.words import number_sequence

_ASSERTION: Final = re.compile(r"^\s*assert\b(.*)$", re.M)
Tests = Mapping[str, str]
"""Hash of an input -> hash of its output."""


@dataclass(frozen=True, slots=True)
class DedupRecord:
    """A document without its text, but for what is compared when texts are alike."""

    id: str
    source: str
    kind: str
    answers: tuple[str, ...]
    canonical_answers: frozenset[str]
    tests: Tests
    entry_point: str
    signature: str
    tokens: tuple[str, ...]
    numbers: tuple[str, ...]
    """The numbers of the statement in order, spelled ones and those of drawings included."""
    gold_verifies: bool
    solution: str
    """A program of a code row, to be run on another row's tests; for math only whether there is one counts."""
    ground_truth: str
    """Of a code row with a program; empty for others."""
    length: int
    row_hash: str
    already_rejected: bool = False


def record_of(problem: Problem, *, already_rejected: bool = False) -> DedupRecord:
    """The record of one problem."""
    fields = ground_truth_value(problem.ground_truth)
    code = fields if isinstance(fields, dict) else {}
    golds = tuple(answers(problem.ground_truth))
    tokens = canonical_tokens(problem.statement)
    return DedupRecord(
        id=problem.id,
        source=problem.data_source,
        kind=problem.kind,
        answers=golds,
        canonical_answers=frozenset(" ".join(canonical_tokens(gold)) or gold for gold in golds),
        tests=dict(_tests(code)),
        entry_point=str(code.get("entry_point") or code.get("fn_name") or ""),
        signature=signature(problem.statement) if code else "",
        tokens=tuple(tokens),
        numbers=tuple(number_sequence(canonical_tokens(problem.statement, keep_asy=True))),
        gold_verifies=bool((problem.notes.get("answers") or {}).get("gold_verifies", False)),
        solution=problem.solution if code else problem.solution[:1],
        ground_truth=problem.ground_truth if code else "",
        length=len(problem.statement),
        row_hash=_row_hash(problem),
        already_rejected=already_rejected,
    )


def preference(record: DedupRecord, priority: tuple[str, ...]) -> tuple[object, ...]:
    """Sort key, best first.

    Nothing else against it, the user's order of sources, verified gold, solution, longer statement, source, id; never
    the order of the input.
    """
    return (
        record.already_rejected,
        priority.index(record.source) if record.source in priority else len(priority),
        not record.gold_verifies,
        not record.solution,
        -record.length,
        record.source,
        record.id,
        record.row_hash,
    )


def _row_hash(problem: Problem) -> str:
    """A hash of the row that does not depend on the file and line it came from."""
    row = row_of(problem)
    row["extra_info"] = {key: value for key, value in row["extra_info"].items() if key != ORIGIN}
    return hashlib.sha256(json.dumps(row, sort_keys=True, ensure_ascii=True, default=str).encode()).hexdigest()


def _tests(code: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Inputs and outputs, or the two sides of each assertion."""
    for given, wanted in zip(code.get("inputs", ()), code.get("outputs", ()), strict=False):
        yield _hash(given), _hash(wanted)
    lines = [*map(str, code.get("assert_case") or ()), *_ASSERTION.findall(str(code.get("test_code") or ""))]
    for line in lines:
        given, _, wanted = line.strip().removeprefix("assert").partition("==")
        yield _hash(given), _hash(wanted)


def _hash(value: object) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
