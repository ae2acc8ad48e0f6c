"""One sample with its verdict, and the row it is stored as.

    {"problem": "aime24-0", "sample": 3, "seed": 811..., "text": "...", "token_ids": [...], "num_tokens": 812,
    "finish_reason": "stop", "verdict": {"status": "correct", "reward": 1.0, "extracted": "204", "detail": "...",
    "elapsed_s": 0.001}}

In a run folder the row also says its `task`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from or1_reward.types import Status, TestResult, TestStatus, Verdict

Key = tuple[str, int]
"""(problem id, sample index): the name of a sample inside a run of one task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One completion of one problem; `verdict` is None until it is graded, `num_tokens` -1 where nobody counted."""

    problem_id: str
    index: int
    seed: int
    text: str
    finish_reason: str
    token_ids: tuple[int, ...] = ()
    num_tokens: int = -1
    verdict: Verdict | None = None
    answer: str | None = None
    """Of a response with several turns the last one, which is judged; `text` is then the whole transcript."""

    @property
    def judged_text(self) -> str:
        """What the verifier sees."""
        return self.text if self.answer is None else self.answer

    @property
    def key(self) -> Key:
        """The sample's name in its run."""
        return (self.problem_id, self.index)

    @property
    def truncated(self) -> bool:
        """Cut off by the engine's limit, or judged so by the verifier (reasoning opened and never closed)."""
        judged = self.verdict is not None and self.verdict.status is Status.TRUNCATED
        return self.finish_reason == "length" or judged

    @property
    def reward(self) -> float | None:
        """1.0 or 0.0; None without a verdict (not graded, or the verifier failed)."""
        return None if self.verdict is None else self.verdict.reward


def sample_row(sample: Sample) -> dict[str, Any]:
    """The sample as a JSON object."""
    row: dict[str, Any] = {
        "problem": sample.problem_id,
        "sample": sample.index,
        "seed": sample.seed,
        "text": sample.text,
        "token_ids": list(sample.token_ids),
        "num_tokens": sample.num_tokens,
        "finish_reason": sample.finish_reason,
    }
    row |= {} if sample.answer is None else {"answer": sample.answer}
    return row if sample.verdict is None else row | {"verdict": verdict_row(sample.verdict)}


def sample_from_row(row: Mapping[str, Any]) -> Sample:
    """The sample of a stored row; KeyError, TypeError or ValueError where it is not one."""
    verdict = row.get("verdict")
    return Sample(
        problem_id=str(row["problem"]),
        index=int(row["sample"]),
        seed=int(row["seed"]),
        text=row["text"],
        token_ids=tuple(row["token_ids"]),
        num_tokens=int(row["num_tokens"]),
        finish_reason=row["finish_reason"],
        answer=row.get("answer"),
        verdict=None if verdict is None else verdict_from_row(verdict),
    )


def verdict_row(verdict: Verdict) -> dict[str, Any]:
    """The verdict format of the design: status, reward, extracted, detail, elapsed_s, and for code each test."""
    row: dict[str, Any] = {
        "status": verdict.status.value,
        "reward": verdict.reward,
        "extracted": verdict.extracted,
        "detail": verdict.detail,
        "elapsed_s": round(verdict.elapsed_s, 6),
    }
    return row | {"tests": [asdict(test) for test in verdict.tests]} if verdict.tests else row


def verdict_from_row(row: Mapping[str, Any]) -> Verdict:
    """The verdict of a stored row."""
    return Verdict(
        status=Status(row["status"]),
        extracted=row["extracted"],
        detail=row["detail"],
        elapsed_s=float(row["elapsed_s"]),
        tests=tuple(TestResult(**test | {"status": TestStatus(test["status"])}) for test in row.get("tests", ())),
    )
