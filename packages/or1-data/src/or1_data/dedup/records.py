"""What the decision needs to know of a document, and whether two ground truths can be the same problem's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from or1_data.ground_truth import answers, ground_truth_value
from or1_data.schema import Problem, row_of
from or1_data.text.canonical import canonical_tokens

SameAnswer = Callable[[str, str], bool | None]
"""Whether two maths answers are the same, None where that cannot be said; a verifier's word where one is handed in."""


@dataclass(frozen=True, slots=True)
class DedupRecord:
    """A document without its text: all that keeping and comparing need."""

    id: str
    source: str
    kind: str
    answers: tuple[str, ...]
    tests: frozenset[tuple[str, str]]
    entry_point: str
    gold_verifies: bool
    has_solution: bool
    length: int
    row_hash: str
    already_rejected: bool = False


def record_of(problem: Problem, *, already_rejected: bool = False) -> DedupRecord:
    """The record of one problem."""
    fields = ground_truth_value(problem.ground_truth)
    code = fields if isinstance(fields, dict) else {}
    pairs = zip(code.get("inputs", ()), code.get("outputs", ()), strict=False)
    note = problem.notes.get("answers") or {}
    row = json.dumps(row_of(problem), sort_keys=True, ensure_ascii=True)
    return DedupRecord(
        id=problem.id,
        source=problem.data_source,
        kind=problem.kind,
        answers=tuple(answers(problem.ground_truth)),
        tests=frozenset((_hash(given), _hash(wanted)) for given, wanted in pairs),
        entry_point=str(code.get("entry_point") or code.get("fn_name") or ""),
        gold_verifies=bool(note.get("gold_verifies", False)),
        has_solution=bool(problem.solution),
        length=len(problem.statement),
        row_hash=hashlib.sha256(row.encode()).hexdigest(),
        already_rejected=already_rejected,
    )


def preference(record: DedupRecord, priority: tuple[str, ...]) -> tuple[object, ...]:
    """Sort key, best first.

    Nothing else against it, verified gold, solution, longer statement, source, id; never the order of the input.
    """
    rank = priority.index(record.source) if record.source in priority else len(priority)
    return (
        record.already_rejected,
        not record.gold_verifies,
        not record.has_solution,
        -record.length,
        rank,
        record.source,
        record.id,
        record.row_hash,
    )


def agree(one: DedupRecord, other: DedupRecord, same_answer: SameAnswer) -> bool | None:
    """Whether the ground truths agree: an answer in common, or tests that contradict each other nowhere.

    None where answers could not be compared: such rows are neither copies nor in conflict.
    """
    if one.kind != other.kind or one.entry_point != other.entry_point:
        return False
    if one.kind == "answer":
        return _any(_alike(a, b) or same_answer(a, b) for a in one.answers for b in other.answers)
    wanted = dict(one.tests)
    return all(wanted.get(given, output) == output for given, output in other.tests)


def _any(found: Iterable[bool | None]) -> bool | None:
    """True if one is, else None if one is not known."""
    known = True
    for same in found:
        if same:
            return True
        known = known and same is not None
    return False if known else None


def never(one: str, other: str) -> bool:
    """`SameAnswer` without a verifier: only what is typed alike counts."""
    return False


def _alike(one: str, other: str) -> bool:
    return one == other or (canonical_tokens(one) == canonical_tokens(other) != [])


def _hash(value: object) -> str:
    text = " ".join(value.split()) if isinstance(value, str) else json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
