"""Why a row is dropped: read off the notes of all stages, by settings; an empty list means it stays."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from or1_data.difficulty.counts import counts_of
from or1_data.errors import ConfigError
from or1_data.rules.stage import RULES
from or1_data.schema import Problem


class SelectSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is dropped; the defaults follow the report where it says something, and say where they go beyond it."""

    rules: tuple[str, ...] = (
        "proof",
        "url",
        "missing_figure",
        "language",
        "bad_tests",
        "multiple_choice",
        "multi_part",
        "needs_checker",
        "no_answer",
        "prose_answer",
        "marked_invalid",
    )
    """Findings that drop a row.

    The report does not name multiple choice and several parts; both cannot be graded well.
    """
    gold_must_verify: bool = True
    solution_must_agree: bool = True
    program_must_pass: bool = True
    duplicates: bool = True
    conflicts: bool = True
    """Rows with the same text and different answers: neither is kept."""
    contamination: tuple[str, ...] = ("verbatim", "reformatted", "number_changed", "paraphrase")
    contamination_score: float = 0.0
    """Overlaps of these classes below this score stay."""
    model: str = ""
    """Whose difficulty decides; empty: difficulty drops nothing."""
    min_failures: int = 1
    max_failures: int = -1
    """Inclusive; -1 is one less than the attempts, so that what was never solved goes."""
    min_failures_code: int = 1
    max_failures_code: int = -1
    missing_difficulty: bool = True
    """Drop rows that have no count for the model."""
    suspect_gold: bool = True
    min_votes: int = 0
    """Least number of accepting judge votes (the report: 9 of 32); 0: votes drop nothing."""

    def __post_init__(self) -> None:
        """Refuse unknown rules and classes."""
        unknown = sorted(set(self.rules) - set(RULES))
        if unknown:
            raise ConfigError(f"select.rules: unknown {unknown}; known: {', '.join(RULES)}")
        classes = {"verbatim", "reformatted", "number_changed", "paraphrase", "template"}
        if set(self.contamination) - classes:
            raise ConfigError(
                f"select.contamination: unknown {sorted(set(self.contamination) - classes)}; known: {sorted(classes)}"
            )


def reasons(problem: Problem, settings: SelectSettings) -> list[str]:
    """`stage:reason` for everything that speaks against a row, in the order of the stages.

    A missing measurement counts only where nothing else does: the stages that pay for each row pass the others by.
    """
    return list(_reasons(problem, settings)) or list(_unmeasured(problem, settings))


def _unmeasured(problem: Problem, settings: SelectSettings) -> Iterator[str]:
    if settings.model and settings.missing_difficulty and settings.model not in counts_of(problem):
        yield "difficulty:not_measured"
    if settings.min_votes and problem.notes.get("judge") is None:
        yield "judge:not_asked"


def _reasons(problem: Problem, settings: SelectSettings) -> Iterator[str]:
    found = {finding["rule"] for finding in problem.notes.get("rules") or []}
    yield from (f"rules:{rule}" for rule in settings.rules if rule in found)
    yield from _answers(problem, settings)
    yield from _duplicates(problem, settings)
    overlap = problem.notes.get("decontaminate")
    if overlap and overlap["class"] in settings.contamination and overlap["score"] >= settings.contamination_score:
        yield f"decontaminate:{overlap['class']}"
    yield from _difficulty(problem, settings)
    votes = problem.notes.get("judge")
    if settings.min_votes and votes is not None and votes["accepted"] < settings.min_votes:
        yield "judge:votes"


def _answers(problem: Problem, settings: SelectSettings) -> Iterator[str]:
    note = problem.notes.get("answers") or {}
    if settings.gold_must_verify and note.get("gold_verifies") is False:
        yield "answers:gold_does_not_verify"
    if settings.solution_must_agree and note.get("in_solution") is False:
        yield "answers:not_in_solution"
    if settings.program_must_pass and note.get("solution_passes") is False:
        yield "answers:no_program_passes"
    if "failed" in note and (settings.gold_must_verify or settings.program_must_pass):
        yield "answers:verifier_failed"


def _duplicates(problem: Problem, settings: SelectSettings) -> Iterator[str]:
    note = problem.notes.get("dedup") or {}
    if settings.duplicates and "duplicate_of" in note:
        yield "dedup:exact" if note["similarity"] == 1.0 else "dedup:near"
    if settings.conflicts and "conflict" in note:
        yield "dedup:conflict"


def _difficulty(problem: Problem, settings: SelectSettings) -> Iterator[str]:
    if not settings.model:
        return
    count = counts_of(problem).get(settings.model)
    if count is None:
        return
    code = problem.ability == "code"
    least = settings.min_failures_code if code else settings.min_failures
    most = settings.max_failures_code if code else settings.max_failures
    if count.num_failures < least:
        yield "difficulty:too_easy"
    if count.num_failures > (most if most >= 0 else count.num_attempts - 1):
        yield "difficulty:too_hard"
    note = (problem.notes.get("difficulty") or {}).get(settings.model) or {}
    if settings.suspect_gold and "suspect_gold" in note:
        yield "difficulty:suspect_gold"
