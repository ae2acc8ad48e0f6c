"""What the trainer writes about its rollouts is what or1-data's filter between stages reads."""

from __future__ import annotations

from pathlib import Path

from or1_data import make_problem
from or1_data.select import outcomes, stage_filter
from or1_trainer.metrics.rollout_log import RolloutLog, RolloutRecord


def group(problem_id: str, rewards: list[float | None]) -> list[RolloutRecord]:
    return [
        RolloutRecord(
            problem_id=problem_id,
            prompt="1+1=?",
            response="2",
            status="verifier_error" if reward is None else "correct" if reward else "wrong",
            reward=reward,
            advantage=None,
            finish_reason="stop",
            num_tokens=1,
            seed=number,
        )
        for number, reward in enumerate(rewards)
    ]


def test_a_runs_rollouts_filter_the_problems_of_the_next_stage(tmp_path: Path) -> None:
    problems = [make_problem(f"{n}+1=?", str(n + 1), ability="math", data_source="x") for n in range(4)]
    always, mixed, failed, unseen = problems
    log = RolloutLog(tmp_path)
    log.write(1, group(always.id, [1.0, 1.0]) + group(mixed.id, [1.0, 1.0]))
    log.write(2, group(always.id, [1.0, None]) + group(mixed.id, [0.0, 1.0]) + group(failed.id, [None, None]))
    counts = outcomes(tmp_path)
    assert counts[always.id] == (3, 3) and counts[mixed.id] == (3, 4) and failed.id not in counts
    assert list(stage_filter(problems, counts)) == [mixed, failed, unseen]
