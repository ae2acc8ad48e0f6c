"""Filters of the table of rollouts in `or1-trainer watch`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec


class Head(msgspec.Struct, frozen=True, kw_only=True):
    """The short fields of a rollout's JSON line: what the filters and the table read without its texts."""

    problem_id: str
    status: str
    reward: float | None
    advantage: float | None
    finish_reason: str
    num_tokens: int


class Query(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Filters, all of which must pass; None or an empty text is no filter. Ranges include both ends."""

    problem: str = ""
    """Part of the problem's id."""
    status: str = ""
    text: str = ""
    """Part of the prompt or of the response; case counts."""
    step_low: int | None = None
    step_high: int | None = None
    advantage_low: float | None = None
    advantage_high: float | None = None
    tokens_low: int | None = None
    tokens_high: int | None = None
    offset: Annotated[int, msgspec.Meta(ge=0)] = 0
    limit: Annotated[int, msgspec.Meta(ge=0, le=200)] = 50
    """Rows of the page, in the order of the table, from `offset` on; 0 only counts."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One rollout: its step, the number of its line in the step's file (from 0), and its short fields."""

    step: int
    number: int
    head: Head


def passes(entry: Entry, query: Query) -> bool:
    """Whether a rollout passes all filters but the one for text."""
    head = entry.head
    return (
        (not query.problem or query.problem in head.problem_id)
        and (not query.status or query.status == head.status)
        and _within(entry.step, query.step_low, query.step_high)
        and _within(head.num_tokens, query.tokens_low, query.tokens_high)
        and _within(head.advantage, query.advantage_low, query.advantage_high)
    )


def _within(value: float | None, low: float | None, high: float | None) -> bool:
    """Whether low <= value <= high, where None is no bound; a missing value passes only without bounds."""
    if value is None:
        return low is None and high is None
    return (low is None or value >= low) and (high is None or value <= high)
