"""Generate what is missing, write each group as soon as it is complete, show how far it is."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from or1_rollout.engine import Engine
from or1_rollout.generate.rows import PromptRow, completion_line, finished_ids
from or1_rollout.seeds import sample_seed
from or1_rollout.types import Completion, SamplingParams

CHUNK_PROMPTS = 64
"""Prompts handed to the engine at a time: a kill loses at most their work, never a finished line."""


def generate_file(rows: Sequence[PromptRow], out: Path, engine: Engine, params: SamplingParams) -> int:
    """Append the completions of every row that `out` lacks; how many rows were added.

    Seeds come from (`params.seed`, row id, sample), so that a resumed file holds what an undisturbed one would.
    """
    done = finished_ids(out)
    left = [row for row in rows if row.id not in done]
    started = time.monotonic()
    with out.open("a", encoding="utf-8") as file:
        for first in range(0, len(left), CHUNK_PROMPTS):
            chunk = left[first : first + CHUNK_PROMPTS]

            def write(index: int, completions: list[Completion], chunk: Sequence[PromptRow] = chunk) -> None:
                file.write(completion_line(chunk[index], completions))
                file.flush()

            seeds = [[sample_seed(params.seed, 0, row.id, sample) for sample in range(params.n)] for row in chunk]
            engine.generate([row.prompt for row in chunk], replace(params), seeds=seeds, on_group=write)
            _say(first + len(chunk), len(left), time.monotonic() - started)
    return len(left)


def _say(done: int, total: int, elapsed_s: float) -> None:
    rate = done / max(elapsed_s, 1e-9)
    print(f"{done}/{total} prompts, {rate:.1f}/s, {(total - done) / rate:.0f} s left", file=sys.stderr)
