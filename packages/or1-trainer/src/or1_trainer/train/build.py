"""Run or resume a run folder: start the runtime, build the job, restore the state, train, report, export."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from transformers import AutoConfig
from transformers.utils.logging import disable_progress_bar

from or1_data.schema import Problem
from or1_rollout.environments import KeptObservations
from or1_trainer.config.check import check
from or1_trainer.config.rewards import TestsPassedReward
from or1_trainer.config.schema import RunConfig
from or1_trainer.live.view import LiveView
from or1_trainer.metrics.alarms import AlarmMonitor
from or1_trainer.metrics.files import replace_file
from or1_trainer.metrics.log import MetricsLog, read_metrics
from or1_trainer.metrics.opentelemetry import SpanExporter
from or1_trainer.metrics.rollout_log import RolloutLog
from or1_trainer.metrics.sinks import open_sinks
from or1_trainer.metrics.spans import SpanLog
from or1_trainer.policy.parallel import Runtime, start_runtime, stop_runtime
from or1_trainer.report.model_card import write_model_card
from or1_trainer.report.write import write_report
from or1_trainer.rewards.build import build_scoring
from or1_trainer.train.chat_rows import read_chat_rows
from or1_trainer.train.checkpoint import load_checkpoint
from or1_trainer.train.dataset import Dataset
from or1_trainer.train.engines import OBSERVATIONS, build_environment, build_fleet, build_teacher
from or1_trainer.train.exchange import Exchange
from or1_trainer.train.export import export
from or1_trainer.train.initial_policy import starting_policy
from or1_trainer.train.job import Job
from or1_trainer.train.learner import build_learner
from or1_trainer.train.loop import train
from or1_trainer.train.problems import dataset_summary, load_dataset
from or1_trainer.train.prompts import PromptEncoder, check_lengths, check_tokenizer, load_tokenizer
from or1_trainer.train.run_folder import only_owner, read_config
from or1_trainer.train.stages import position_at, total_steps
from or1_trainer.train.state import RunState
from or1_trainer.train.verify import verifier_of
from or1_trainer.train.weight_sync import probe_of_prompt, snapshot_weights

ENCODED_AT_ONCE = 4096
"""Up to this many training prompts are encoded before the first step; of a larger set, each when it is drawn."""


def run_folder(folder: Path, until: int | None = None) -> None:
    """Run or resume the run of `folder`, as one rank of the job, to its end or until so many steps are done."""
    config = read_config(folder)
    model_path = starting_policy(config)
    with running(config) as runtime, ExitStack() as stack:
        check(config, runtime.world_size)
        if runtime.is_main:
            stack.enter_context(only_owner(folder))
        view = stack.enter_context(LiveView(total_steps(config.stages), runtime.is_main, num_stages=len(config.stages)))
        with view.phase("loading"):
            job = build_job(config, folder, model_path, runtime, view)
        stack.callback(job.close)
        state = begin(job)
        sinks = open_sinks(config.watch.sinks, folder, last_step=state.step) if runtime.is_main else []
        for sink in sinks:
            stack.callback(sink.close)
        state = train(dataclasses.replace(job, sinks=sinks), state, until)
        is_done = position_at(config.stages, state.step, state.ended) is None
        if is_done:
            finish(job, state.step)
    if runtime.is_main and is_done:
        print(summary(folder))


@contextmanager
def running(config: RunConfig) -> Iterator[Runtime]:
    """Start the distributed runtime, and stop it at the end."""
    runtime = start_runtime(tensor=config.parallel.tensor, device=config.device, timeout_s=config.parallel.timeout_s)
    try:
        yield runtime
    finally:
        stop_runtime(runtime)


def build_job(config: RunConfig, folder: Path, model_path: Path, runtime: Runtime, view: LiveView) -> Job:
    """Load the model, the problems and the engine. Collective."""
    disable_progress_bar()  # the live view shows the progress
    learner = build_learner(config, AutoConfig.from_pretrained(model_path), model_path, runtime)
    tokenizer, hf_config = load_tokenizer(model_path), learner.policy.hf_config
    check_tokenizer(tokenizer, hf_config)
    environment = build_environment(config.environment, folder / OBSERVATIONS / f"rank_{runtime.rank}.jsonl")
    if isinstance(environment, KeptObservations):
        view.note(f"{environment.name} is not deterministic: its answers are kept in {OBSERVATIONS}/")
    prompts = PromptEncoder(tokenizer, environment)
    dataset = load_dataset(config.data, prompts)
    longest = max(*(stage.context_tokens for stage in config.stages), config.eval.context_tokens)
    longest += config.environment.observation_tokens if config.environment.is_active else 0
    check_lengths(prompts, [*dataset.train, *dataset.heldout], longest, hf_config.max_position_embeddings)
    if len(dataset.train) <= ENCODED_AT_ONCE:
        prompts.all_ids(dataset.train)
    exchange = Exchange(runtime, timeout_s=config.parallel.timeout_s)
    spans = SpanLog(wanted=config.watch.opentelemetry or bool(config.watch.profile_steps))
    return Job(
        config=config,
        folder=folder,
        runtime=runtime,
        learner=learner,
        fleet=build_fleet(config, model_path, tokenizer, environment, exchange, on_tokens=view.add_tokens, spans=spans),
        verifier=verifier_of(
            config.reward, partial_scores=any(isinstance(reward, TestsPassedReward) for reward in config.rewards)
        ),
        scoring=build_scoring(
            config,
            folder,
            runtime.device,
            has_chat_template=bool(getattr(tokenizer, "chat_template", None)),
            counting=counting_rewards(config, dataset),
        ),
        teacher=build_teacher(config, tokenizer, runtime),
        prompts=prompts,
        dataset=dataset,
        chat_rows={
            index: read_chat_rows(
                stage.rows, tokenizer, context_tokens=stage.context_tokens, sums=config.data.arithmetic
            )
            for index, stage in enumerate(config.stages)
            if stage.kind == "sft"
        },
        metrics=MetricsLog(folder) if runtime.is_main else None,
        rollouts=RolloutLog(folder) if runtime.is_main else None,
        sinks=(),
        alarms=AlarmMonitor(),
        view=view,
        spans=spans,
        exporter=SpanExporter(folder, runtime.rank) if config.watch.opentelemetry else None,
    )


def counting_rewards(config: RunConfig, dataset: Dataset) -> Callable[[Problem], frozenset[str]] | None:
    """Problem -> names of the rewards that its source counts; None where all count for all."""
    if not any(source.rewards for source in config.data.sources):
        return None
    every = frozenset(reward.label for reward in config.rewards)
    named = {source.label: frozenset(source.rewards) or every for source in config.data.sources}
    return lambda problem: named[dataset.source_of(problem.id)]


def begin(job: Job) -> RunState:
    """The state of the newest complete checkpoint, or of the start, with its weights in the engine."""
    state = load_checkpoint(job.folder, job.learner.policy, job.learner.optimizer, job.view.note)
    if state is None:
        state = RunState(entropy_coefficient=job.config.entropy.initial)
    job.view.progress.total_steps = total_steps(job.config.stages, state.ended)
    if job.metrics is not None and job.rollouts is not None:
        job.metrics.truncate_after(state.step if state.step else -1)
        job.rollouts.truncate_after(state.step)
        replace_file(job.folder / "data.json", json.dumps(dataset_summary(job.dataset), indent=1).encode())
        for row in read_metrics(job.folder / "metrics.jsonl"):
            job.alarms.update(row)  # alarms raised before the resume are not repeated
    first = job.prompts.ids(job.dataset.train[0])
    snapshot_weights(job.learner, probe_of_prompt(first), version=state.weight_version).send(job.fleet)
    return state


def finish(job: Job, step: int) -> None:
    """Write the Hugging Face folder with its model card, and the report."""
    export(job.learner.policy, starting_policy(job.config), job.prompts.tokenizer, job.folder / "model")
    if job.metrics is not None:
        job.metrics.close()
        write_model_card(job.folder, job.folder / "model", step)
        write_report([job.folder], job.folder / "report.html")


def summary(folder: Path) -> str:
    """First and last held-out avg@k with the interval of the last, and the paths of report and model."""
    rows = [row for row in read_metrics(folder / "metrics.jsonl") if "eval/avg" in row]
    first, last = rows[0], rows[-1]
    return (
        f"held-out avg@{read_config(folder).eval.k}: {first['eval/avg']:.3f} before, {last['eval/avg']:.3f} "
        f"[{last['eval/low']:.3f}, {last['eval/high']:.3f}] after {last['step']} steps; "
        f"report: {folder / 'report.html'}, model: {folder / 'model'}"
    )
