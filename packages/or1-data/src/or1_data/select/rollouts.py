"""The report's filter between stages, from the rollouts of a run.

What the policy always solved is not trained on again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from or1_data.difficulty.counts import PassCount, merge
from or1_data.errors import SchemaError, SourceError
from or1_data.io.rows import iter_rows
from or1_data.schema import Problem

NOTE: Final = "rollouts"


def outcomes(run: str | Path, *, min_reward: float = 1.0) -> dict[str, PassCount]:
    """Problem id -> counts over all rollouts of a run folder, or of one jsonl file of rollouts.

    A rollout is a row with `problem_id` and `reward` (null where the verifier failed: not counted). It solves the
    problem with a reward of at least `min_reward`: with partial credit, a quarter of the points is no solution.

    Raises:
        SourceError: no rollouts there.
        SchemaError: a row that is no rollout.
    """
    path = Path(run)
    files = [path] if path.is_file() else sorted([*path.glob("rollouts/*.jsonl"), *path.glob("rollouts/*.parquet")])
    if not files:
        raise SourceError(f"{path}: no rollouts; give a run folder with rollouts/*.jsonl, or one file")
    counts: dict[str, PassCount] = {}
    for file in files:
        for name, line, row in iter_rows(file):
            if isinstance(row, SchemaError):
                raise row.at(name, line)
            problem, passed = _outcome(row, name, line, min_reward)
            if passed is not None:
                counts[problem] = merge(counts.get(problem, PassCount(0, 0)), PassCount(int(passed), 1))
    return counts


def stage_filter(
    problems: Iterable[Problem],
    counts: Mapping[str, PassCount],
    *,
    drop: Collection[str] = ("always",),
    min_attempts: int = 1,
) -> Iterator[Problem]:
    """The problems for the next stage: without those always solved (and, with `never` in `drop`, never solved).

    Problems that the run did not draw, or drew fewer than `min_attempts` times, stay.
    """
    for problem in problems:
        count = counts.get(problem.id)
        if count is None or count.num_attempts < min_attempts:
            yield problem
            continue
        always, never = count.num_correct == count.num_attempts, count.num_correct == 0
        if not (always and "always" in drop) and not (never and "never" in drop):
            yield problem


def annotate_rollouts(problems: Iterable[Problem], counts: Mapping[str, PassCount]) -> Iterator[Problem]:
    """Each problem that the run drew with the note `rollouts`: how many solved it, of how many."""
    for problem in problems:
        count = counts.get(problem.id)
        yield problem.with_note(NOTE, count and count._asdict())


def _outcome(row: Mapping[str, Any], file: str, line: int, min_reward: float) -> tuple[str, bool | None]:
    problem, reward = row.get("problem_id"), row.get("reward")
    if not isinstance(problem, str) or "reward" not in row:
        raise SchemaError(
            "not a rollout: it needs problem_id and reward",
            file=file,
            line=line,
            key="problem_id",
            todo="check the file",
        )
    return problem, None if reward is None else float(reward) >= min_reward
