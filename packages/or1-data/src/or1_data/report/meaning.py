"""What each reason and each chart means, in a sentence for people; and the order in which reasons are told."""

from __future__ import annotations

from typing import Final

STAGES: Final = ("rules", "answers", "dedup", "decontaminate", "difficulty", "judge", "rollouts", "mix", "reported")
REASONS: Final = {
    "kept": "nothing speaks against them",
    "rules:proof": "asks for a proof: nothing that a program could grade",
    "rules:url": "contains a link: its target may be needed, or may be the solution",
    "rules:missing_figure": "points at a figure or table that the text does not contain",
    "rules:language": "is not English",
    "rules:bad_tests": "its tests are empty, contradictory or unreadable",
    "rules:multiple_choice": "lists options: can be guessed",
    "rules:multi_part": "asks several things at once: one answer cannot be graded as all of them",
    "rules:needs_checker": "several outputs are right, or a judge talks to it: one listed output cannot grade it",
    "rules:no_answer": "its gold answer says that there is none",
    "rules:prose_answer": "its gold is a sentence, which no comparison can grade",
    "rules:yes_no": "its gold is yes or no: can be guessed",
    "rules:marked_invalid": "its source marks the problem or its solution as not valid",
    "rules:drawing": "carries a drawing as source text",
    "answers:gold_does_not_verify": "the verifier does not judge the gold answer equal to itself",
    "answers:not_in_solution": "the given solution comes to another answer than the gold",
    "answers:no_program_passes": "none of the listed programs passes the tests",
    "answers:verifier_failed": "the verifier itself failed on this row",
    "dedup:exact": "the same statement with the same answer stays elsewhere",
    "dedup:near": "a statement with most of the same words, and the same answer, stays elsewhere",
    "dedup:conflict": "the same statement occurs with another answer: neither can be trusted",
    "decontaminate:verbatim": "a benchmark item, as typed",
    "decontaminate:reformatted": "a benchmark item in other typesetting, or with text around it",
    "decontaminate:number_changed": "a benchmark item with other numbers",
    "decontaminate:paraphrase": "a benchmark item in other words",
    "decontaminate:template": "shares much of its wording with a benchmark item",
    "difficulty:not_measured": "the model made no attempt at it",
    "difficulty:refused": "the model's server refuses its prompt",
    "difficulty:too_easy": "the model fails less often than wanted",
    "difficulty:too_hard": "the model fails more often than wanted",
    "difficulty:too_long": "an attempt at it was longer than wanted",
    "difficulty:suspect_gold": "the attempts agree on another answer, and none gives the gold one",
    "judge:votes": "too few judges accept the statement",
    "judge:refused": "a judge's server refuses its prompt",
    "judge:not_asked": "no judge was asked",
    "rollouts:always_solved": "the policy solved it in every rollout of the run",
    "rollouts:never_solved": "the policy solved it in no rollout of the run",
    "mix:thinned": "left out by the weight of its source",
    "reported:template": "kept: shares much of its wording with a benchmark item; shown for review",
}
CHARTS: Final = {
    "similarity of duplicates": "Dropped copies by the share of token n-grams that they have in common with the row that stays.",  # noqa: E501
    "benchmark overlap": "Rows by their score against the nearest benchmark item; those of class template are only reported.",  # noqa: E501
    "share of accepting votes": "Rows by the share of judge votes that accept them.",
}


def order(reason: str) -> tuple[int, str]:
    """Sort key: stage by stage as a run goes, then by name."""
    stage = reason.split(":", maxsplit=1)[0]
    return (STAGES.index(stage) if stage in STAGES else len(STAGES), reason)
