"""Chunks of answers as they travel to a `batch_worker` and back."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from or1_reward.ground_truth import MathTruth
from or1_reward.maths import MathSettings
from or1_reward.types import Limits, Status, Verdict


def request_of(
    chunk: list[tuple[str, MathTruth, str | None]], settings: MathSettings, limits: Limits
) -> dict[str, Any]:
    """A chunk as JSON."""
    items = [(response, truth.alternatives, reason) for response, truth, reason in chunk]
    return {"items": items, "settings": asdict(settings), "limits": asdict(limits)}


def verdicts_of(answer: dict[str, Any]) -> list[Verdict]:
    """The verdicts of a chunk."""
    return [
        Verdict(status=Status(status), extracted=extracted, detail=detail, elapsed_s=elapsed_s)
        for status, extracted, detail, elapsed_s in answer["verdicts"]
    ]
