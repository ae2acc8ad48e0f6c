"""Generate what is missing; every sample is kept as it ends, every group written as soon as it is complete."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from or1_rollout.generate.engines import LoadedEngine
from or1_rollout.generate.pace import Pace
from or1_rollout.generate.rows import PromptRow, completion_line, finished_prompts
from or1_rollout.generate.samples_file import SamplesFile
from or1_rollout.seeds import sample_seed
from or1_rollout.types import Completion, SamplingParams


def generate_file(
    rows: Sequence[PromptRow], out: Path, loaded: LoadedEngine, params: SamplingParams, pace: Pace
) -> int:
    """Append the completions of every row that `out` lacks; how many rows were added.

    Seeds come from (`params.seed`, row id, sample), so that a resumed file holds what an undisturbed one would. All
    rows go to the engine at once: it keeps as many samples in flight as it can.
    """
    done = finished_prompts(out)
    left = [row for row in rows if row.id not in done]
    samples = SamplesFile(out)
    pace.done = params.n * (len(rows) - len(left)) + sum(len(samples.kept[row.id]) for row in left)
    with out.open("a", encoding="utf-8") as file:

        def write(row: PromptRow, completions: Sequence[Completion]) -> None:
            prompt_ids = None if loaded.encode is None else loaded.encode(row.prompt)
            file.write(completion_line(row, completions, prompt_ids))
            file.flush()

        _draw(left, loaded, params, samples, pace, write)
    samples.close(is_complete=True)
    return len(left)


def _draw(
    rows: Sequence[PromptRow],
    loaded: LoadedEngine,
    params: SamplingParams,
    samples: SamplesFile,
    pace: Pace,
    write: Callable[[PromptRow, Sequence[Completion]], None],
) -> None:
    """Fill the groups that a killed run began, then draw the others."""
    begun = [row for row in rows if samples.kept[row.id]]
    _draw_samples(begun, loaded, params, samples, pace)
    for row in begun:
        write(row, [samples.kept[row.id][sample] for sample in range(params.n)])
    fresh = [row for row in rows if not samples.kept[row.id]]

    def ended(prompt: int, sample: int, completion: Completion) -> None:
        pace.add_sample(len(completion.token_ids))
        if params.n > 1:
            samples.put(fresh[prompt].id, sample, completion)

    loaded.engine.generate(
        [row.prompt for row in fresh],
        params,
        seeds=[[_seed(params, row, sample) for sample in range(params.n)] for row in fresh],
        on_group=lambda prompt, completions: write(fresh[prompt], completions),
        on_sample=ended,
    )


def _draw_samples(
    rows: Sequence[PromptRow], loaded: LoadedEngine, params: SamplingParams, samples: SamplesFile, pace: Pace
) -> None:
    """Draw the samples that the groups of `rows` lack, each as a prompt of its own."""
    lacking = [(row, sample) for row in rows for sample in range(params.n) if sample not in samples.kept[row.id]]

    def ended(place: int, _: int, completion: Completion) -> None:
        row, sample = lacking[place]
        pace.add_sample(len(completion.token_ids))
        samples.kept[row.id][sample] = completion
        samples.put(row.id, sample, completion)

    if lacking:
        loaded.engine.generate(
            [row.prompt for row, _ in lacking],
            replace(params, n=1),
            seeds=[[_seed(params, row, sample)] for row, sample in lacking],
            on_sample=ended,
        )


def _seed(params: SamplingParams, row: PromptRow, sample: int) -> int:
    return sample_seed(params.seed, 0, row.id, sample)
