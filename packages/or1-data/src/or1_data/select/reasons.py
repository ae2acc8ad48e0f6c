"""Why a row is dropped: read off the notes of all stages, by settings; an empty list means it stays."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Final, Literal

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
    """Drop rows whose gold answer does not verify as itself."""
    solution_must_agree: bool = True
    """Drop rows whose solution ends with another answer."""
    program_must_pass: bool = True
    """Drop rows whose listed programs fail their tests."""
    duplicates: bool = True
    """Drop copies of a row that stays."""
    conflicts: bool = True
    """Rows with the same text and different answers: neither is kept."""
    contamination: tuple[str, ...] = ("verbatim", "reformatted", "paraphrase")
    """Classes that drop a row. An item with other numbers is another problem, so `number_changed` is only noted."""
    contamination_score: float = 0.0
    """Overlaps of these classes below this score stay."""
    model: str = ""
    """Whose difficulty decides; empty: difficulty drops nothing."""
    always_solved: bool = True
    """Drop what no attempt failed."""
    never_solved: bool = True
    """Drop what no attempt solved."""
    min_failure_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 0.0
    """Least share of failed attempts that stays."""
    max_failure_share: Annotated[float, msgspec.Meta(ge=0, le=1)] = 1.0
    """The least and the largest share of failed attempts that stay; rows may have had different numbers of attempts."""
    max_response_tokens: Annotated[int, msgspec.Meta(ge=0)] = 0
    """Drop rows with an attempt longer than this; 0: length drops nothing."""
    missing_difficulty: bool = True
    """Drop rows that have no count for the model."""
    suspect_gold: bool = True
    """Drop rows whose gold no attempt met while the attempts agree on another answer."""
    rollouts: tuple[Literal["always_solved", "never_solved"], ...] = ("always_solved",)
    """What goes of the problems that a training run drew, where its rollouts are noted."""
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


_ROUNDING: Final = 1e-9


def reasons(problem: Problem, settings: SelectSettings) -> list[str]:
    """`stage:reason` for everything that speaks against a row, in the order of the stages.

    A missing measurement counts only where nothing else does: the stages that pay for each row pass the others by.
    """
    return list(_reasons(problem, settings)) or list(_unmeasured(problem, settings))


def _unmeasured(problem: Problem, settings: SelectSettings) -> Iterator[str]:
    if settings.model and settings.missing_difficulty and settings.model not in counts_of(problem):
        note = (problem.notes.get("difficulty") or {}).get(settings.model) or {}
        yield "difficulty:refused" if "refused" in note else "difficulty:not_measured"
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
        yield "judge:refused" if "refused" in votes else "judge:votes"
    drawn = problem.notes.get("rollouts")
    if drawn and drawn["num_attempts"]:
        solved = {
            "always_solved": drawn["num_correct"] == drawn["num_attempts"],
            "never_solved": not drawn["num_correct"],
        }
        yield from (f"rollouts:{name}" for name in settings.rollouts if solved[name])


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
    share = 1 - count.rate
    if share < settings.min_failure_share - _ROUNDING or (settings.always_solved and not count.num_failures):
        yield "difficulty:too_easy"
    if share > settings.max_failure_share + _ROUNDING or (settings.never_solved and not count.num_correct):
        yield "difficulty:too_hard"
    note = (problem.notes.get("difficulty") or {}).get(settings.model) or {}
    if settings.max_response_tokens and max(note.get("tokens") or [0]) > settings.max_response_tokens:
        yield "difficulty:too_long"
    if settings.suspect_gold and "suspect_gold" in note:
        yield "difficulty:suspect_gold"
