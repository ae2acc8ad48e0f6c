"""Held-out avg@k of the current policy, by `or1_eval` over the fleet."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from or1_data.schema import Problem
from or1_eval import Problem as EvalProblem
from or1_eval import Sampling, Task, evaluate
from or1_eval.progress import Progress
from or1_eval.report import ProblemResult
from or1_reward import Grader
from or1_reward.maths import TRAINING
from or1_reward.types import Verdict
from or1_trainer.metrics.files import replace_file
from or1_trainer.rewards.gym import GymTruth, gym_truth, judge_gym
from or1_trainer.train.job import Job
from or1_trainer.train.state import RunState
from or1_trainer.train.step_times import StepTimes
from or1_trainer.train.verify import cores_per_rank, grading_servers, num_cores


def evaluate_policy(job: Job, state: RunState, times: StepTimes) -> dict[str, float]:
    """Measure avg@k with its bootstrap interval over problems, and the truncated share. Collective.

    Judged as in training: a policy that learned to copy questions must not look right here. The seeds
    depend on problem and sample alone, not on the step: two evaluations differ by the policy only.
    """
    settings = job.config.eval
    max_tokens = settings.context_tokens or max(stage.context_tokens for stage in job.config.stages)
    task = Task(
        name="heldout",
        problems=tuple(
            EvalProblem(id=p.id, prompt=job.prompts.ids(p), ground_truth=_truth(p)) for p in job.dataset.heldout
        ),
        sampling=Sampling(n=settings.k, max_new_tokens=max_tokens, temperature=settings.temperature),
    )
    with times.phase("eval", total=len(job.dataset.heldout) * settings.k, max_tokens=max_tokens) as phase:

        def show(now: Progress) -> None:
            phase.advance(now.drawn - phase.done, tokens=now.tokens_here - phase.ended_tokens)

        report = evaluate(
            task,
            job.fleet,
            k=settings.k,
            verify=judge_of(job) if job.runtime.is_main else not_judged,
            workers=job.config.reward.workers or num_cores(),
            on_progress=show,
        )
        if job.runtime.is_main:
            write_problems(job.folder, state.step, report.problems)
        found = {
            "eval/avg": report.avg,
            "eval/low": report.low,
            "eval/high": report.high,
            "eval/truncated_rate": report.truncated_rate,
            "eval/length_mean": report.mean_tokens,
        }
        return job.fleet.exchange.gather(found)[0]


def judge_of(job: Job) -> Callable[..., Verdict]:
    """How held-out responses are judged: as in training, on the machines that the run's responses are judged on.

    The problems of generated tasks are judged here, by their own scorers.
    """
    urls = job.config.reward.urls
    judge = grading_servers(urls).verify if urls else Grader(TRAINING).verify

    def verify(response: str, ground_truth: object, *, finish_reason: str | None = None) -> Verdict:
        if isinstance(ground_truth, GymTruth):
            return judge_gym(ground_truth, [response], [finish_reason], cores_per_rank())[0]
        return judge(response, ground_truth, finish_reason=finish_reason)

    return verify


def _truth(problem: Problem) -> object:
    """The row's ground truth; of a generated task its truth, as a function, which or1-eval does not look into."""
    of_task = gym_truth(problem)
    return problem.ground_truth if of_task is None else lambda: of_task


def not_judged(*_: object, **__: object) -> bool:
    """The verifier of all ranks but the first, which sees every response, judges it once and shares the result."""
    return False


def write_problems(folder: Path, step: int, problems: Sequence[ProblemResult]) -> None:
    """`eval/step_000040.json`: problem id -> [right, graded], what a bootstrap over problems needs."""
    (folder / "eval").mkdir(exist_ok=True)
    counts = {problem.id: [problem.num_correct, problem.num_graded] for problem in problems}
    replace_file(folder / "eval" / f"step_{step:06d}.json", json.dumps(counts).encode() + b"\n", durable=False)
