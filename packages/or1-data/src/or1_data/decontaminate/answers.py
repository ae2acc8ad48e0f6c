"""The answer of a math problem as evidence: whoever rewords a problem keeps its answer."""

from __future__ import annotations

from or1_data.errors import SchemaError
from or1_data.ground_truth import answers
from or1_data.text.canonical import canonical_tokens
from or1_data.text.frequencies import RARE, number_weight
from or1_data.text.words import numbers


def answer_of(ground_truth: str) -> str:
    """The first answer of a ground truth (JSON text) in one spelling: `033` is `33`; empty for code or none."""
    if not ground_truth:
        return ""
    try:
        found = answers(ground_truth)
    except SchemaError:
        return ""
    tokens = canonical_tokens(found[0]) if found else []
    return next(iter(numbers(tokens)), "") if len(tokens) == 1 and tokens[0][0].isdigit() else " ".join(tokens)


def answer_weight(answer: str) -> float:
    """How telling it is that two problems have this answer, in nats."""
    return number_weight([(answer, 1)]) if answer[0].isdigit() and " " not in answer else RARE
