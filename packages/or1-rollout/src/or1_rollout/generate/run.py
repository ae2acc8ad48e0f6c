"""Generate what is missing; every sample is kept as it ends, every group written as soon as it is complete."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

from or1_rollout.generate.engines import LoadedEngine
from or1_rollout.generate.pace import Pace
from or1_rollout.generate.rows import PromptRow, completion_line, finished_prompts
from or1_rollout.generate.samples_file import SamplesFile
from or1_rollout.generate.settings_file import SampledWithNote
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
    with out.open("a", encoding="utf-8") as file:
        samples = SamplesFile(out)
        drawing = _Drawing(file, samples, SampledWithNote(out), loaded, params, pace)
        pace.done = params.n * (len(rows) - len(left)) + sum(len(samples.kept[row.id]) for row in left)
        drawing.fill([row for row in left if samples.kept[row.id]])
        drawing.draw([row for row in left if not samples.kept[row.id]])
        samples.remove()
    return len(left)


@dataclass(frozen=True, slots=True)
class _Drawing:
    """One engine writing into one file."""

    file: TextIO
    samples: SamplesFile
    note: SampledWithNote
    loaded: LoadedEngine
    params: SamplingParams
    pace: Pace

    def fill(self, rows: Sequence[PromptRow]) -> None:
        """Draw what groups that a killed run began lack, each sample as a prompt of its own."""
        kept = self.samples.kept
        lacking = [(row, sample) for row in rows for sample in range(self.params.n) if sample not in kept[row.id]]

        def ended(place: int, _: int, completion: Completion) -> None:
            row, sample = lacking[place]
            self._keep(row, sample, completion)
            kept[row.id][sample] = completion

        if lacking:
            self.loaded.engine.generate(
                [row.prompt for row, _ in lacking],
                replace(self.params, n=1),
                seeds=[[self._seed(row, sample)] for row, sample in lacking],
                on_sample=ended,
                on_tokens=self.pace.add_tokens,
            )
        for row in rows:
            self._write(row, [kept[row.id][sample] for sample in range(self.params.n)])

    def draw(self, rows: Sequence[PromptRow]) -> None:
        """Draw whole groups."""
        self.loaded.engine.generate(
            [row.prompt for row in rows],
            self.params,
            seeds=[[self._seed(row, sample) for sample in range(self.params.n)] for row in rows],
            on_group=lambda prompt, completions: self._write(rows[prompt], completions),
            on_sample=lambda prompt, sample, completion: self._keep(rows[prompt], sample, completion),
            on_tokens=self.pace.add_tokens,
        )

    def _keep(self, row: PromptRow, sample: int, completion: Completion) -> None:
        self.note.update(self.loaded.sampled_with())
        self.pace.add_sample(len(completion.token_ids))
        if self.params.n > 1:
            self.samples.put(row.id, sample, completion)

    def _write(self, row: PromptRow, completions: Sequence[Completion]) -> None:
        encode = self.loaded.encode
        self.file.write(completion_line(row, completions, None if encode is None else encode(row.prompt)))
        self.file.flush()

    def _seed(self, row: PromptRow, sample: int) -> int:
        return sample_seed(self.params.seed, 0, row.id, sample)
