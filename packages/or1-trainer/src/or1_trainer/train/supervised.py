"""A step of supervised fine-tuning: rows of messages, packed; the mean loss over all tokens of the assistant."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec.structs import replace

from or1_trainer.algorithm.packing import Sample, Size, balance, microbatches, pack
from or1_trainer.train.async_rollouts import Rollouts
from or1_trainer.train.chat_rows import ChatRow
from or1_trainer.train.job import Job
from or1_trainer.train.learner import Learner
from or1_trainer.train.record import finish_step, skipped_in_a_row, stage_metrics
from or1_trainer.train.reduce import sum_over_data
from or1_trainer.train.sampler import Cursor, draw
from or1_trainer.train.stages import Position, is_due, position_at
from or1_trainer.train.state import RunState
from or1_trainer.train.step_times import StepTimes
from or1_trainer.train.weight_sync import probe_of_prompt


def supervised_step(job: Job, rollouts: Rollouts, position: Position, state: RunState) -> RunState:
    """One optimizer step on the stage's next rows. The engine gets the weights when it is needed next. Collective."""
    times, stage = StepTimes(job.view, job.spans), position.stage
    rows, cursor = draw(
        job.chat_rows[position.stage_index],
        stage.prompts,
        Cursor(epoch=state.epoch, taken=state.taken),
        job.config.seed,
    )
    with times.phase("update"):
        metrics = learn(job.learner, rows, lr=stage.lr)
    state = replace(
        state,
        step=state.step + 1,
        epoch=cursor.epoch,
        taken=cursor.taken,
        weight_version=state.weight_version + 1,
        skipped=skipped_in_a_row(state.skipped, metrics),
    )
    later = position_at(job.config.stages, state.step, state.ended)
    if later is None or later.stage.kind != "sft" or is_due(state.step, job.config.eval.every):
        with times.phase("sync"):
            first = job.prompts.ids(job.dataset.train[0])
            rollouts.sync_weights(probe_of_prompt(first), state.weight_version)
    metrics |= stage_metrics(position, state, problems=len(job.chat_rows[position.stage_index]))
    return finish_step(job, rollouts, state, metrics, [], times)


def learn(learner: Learner, rows: Sequence[ChatRow], *, lr: float = 0.0) -> dict[str, float]:
    """An optimizer step on `rows`, each data rank on its share; the mean loss before it. Collective."""
    samples = [
        Sample(prompt_ids=row.prompt_ids, response_ids=row.response_ids, advantage=0.0, is_sampled=row.trained_T)
        for row in rows
    ]
    sizes = [Size(at, len(sample.prompt_ids), len(sample.response_ids)) for at, sample in enumerate(samples)]
    share = balance(sizes, learner.runtime.data_size)[learner.runtime.data_rank]
    num_tokens = sum(int(row.trained_T.sum()) for row in rows)
    learner.optimizer.zero_grad()
    total = 0.0
    for bin_ in microbatches([samples[at] for at in share], learner.batch.microbatch_tokens):
        batch = pack([samples[share[index]] for index in bin_], device=learner.runtime.device, dtype=learner.wide_dtype)
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
        "optimizer/lr": learner.schedule.rate(lr or learner.lr, learner.optimizer.steps - 1),
    }
