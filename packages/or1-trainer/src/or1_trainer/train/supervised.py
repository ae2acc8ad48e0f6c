"""A step of supervised fine-tuning: rows of messages, packed; the mean loss over all tokens of the assistant."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec.structs import replace

from or1_trainer.algorithm.packing import Sample, Size, balance
from or1_trainer.train.async_rollouts import Rollouts
from or1_trainer.train.exchange import sum_over_data
from or1_trainer.train.job import Job
from or1_trainer.train.learner import Learner
from or1_trainer.train.record import finish_step
from or1_trainer.train.sampler import draw
from or1_trainer.train.stages import Position, is_due, position_at
from or1_trainer.train.state import RunState
from or1_trainer.train.step_times import StepTimes
from or1_trainer.train.weight_sync import probe_of_prompt


def supervised_step(job: Job, rollouts: Rollouts, position: Position, state: RunState) -> RunState:
    """One optimizer step on the stage's next rows. The engine gets the weights when it is needed next. Collective."""
    times, stage = StepTimes(job.view, job.spans), position.stage
    rows, cursor = draw(job.chat_rows[position.stage_index], stage.prompts, state.cursor, job.config.seed)
    with times.phase("update"):
        metrics = learn(job.learner, rows, lr=stage.lr)
    version = state.weight_version + 1
    state = replace(state, step=state.step + 1, epoch=cursor.epoch, taken=cursor.taken, weight_version=version)
    later = position_at(job.config.stages, state.step, state.ended)
    if later is None or later.stage.kind != "sft" or is_due(state.step, job.config.eval.every):
        with times.phase("sync"):
            first = job.prompts.ids(job.dataset.train[0])
            rollouts.sync_weights(probe_of_prompt(first), version)
    return finish_step(job, rollouts, position, state, metrics, [], times)


def learn(learner: Learner, rows: Sequence[Sample], *, lr: float = 0.0) -> dict[str, float]:
    """An optimizer step on `rows`, each data rank on its share; the mean loss before it. Collective."""
    sizes = [Size(at, len(row.prompt_ids), len(row.response_ids)) for at, row in enumerate(rows)]
    share = balance(sizes, learner.runtime.data_size)[learner.runtime.data_rank]
    num_tokens = sum(len(row.response_ids) if row.is_sampled is None else int(row.is_sampled.sum()) for row in rows)
    learner.optimizer.zero_grad()
    total = 0.0
    for batch in learner.packed([rows[at] for at in share]):
        loss = -learner.stats(batch, temperature=1.0, with_entropy=False).logprobs_M.sum() / num_tokens
        loss.backward()
        total += float(loss.detach())
    grad_norm = learner.step(lr)
    return {
        "sft/loss": sum_over_data([total], learner.runtime)[0],
        "sft/rows": len(rows),
        "tokens/trained": num_tokens,
        "optimizer/grad_norm": grad_norm,
        "optimizer/steps": 1,
        "optimizer/skipped": int(not math.isfinite(grad_norm)),
        "optimizer/lr": learner.last_rate(lr),
    }
