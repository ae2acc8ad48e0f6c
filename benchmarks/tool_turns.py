"""How long the embedded engine stands still while tools work: 256 transcripts of 8 turns, a tool of 50 ms.

    python benchmarks/tool_turns.py [--transcripts 256] [--turns 8] [--tool-ms 50]

The tiny recipe's warm start samples; the idle share is the time that the engine waited for tools over all time. `rounds` is what it
would be without interleaving: all transcripts sample a turn, then all tools work (in as many threads). The first line keeps no keys and
values between turns.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import torch

from or1_data.arithmetic import Family, arithmetic_problems
from or1_rollout.engines.transformers import TransformersEngine
from or1_rollout.environments import MultiTurnEngine, Observation, SingleTurn, TurnLimits
from or1_rollout.types import Completion, Prompt, SamplingParams
from or1_trainer.config.load import read_recipe, resolve
from or1_trainer.toy.cache import warm_start_folder

STOP = (";", "}")


class SlowTool(SingleTurn):
    """Answers `turns` - 1 times with `1;`, each time after `tool_s`."""

    stop = STOP

    def __init__(self, turns: int, tool_s: float) -> None:
        self.turns, self.tool_s = turns, tool_s

    def start(self, problem: object, seed: int) -> SlowEpisode:  # type: ignore[override]
        """An episode that counts."""
        return SlowEpisode(self)


class SlowEpisode:
    """One response's."""

    def __init__(self, environment: SlowTool) -> None:
        self.environment, self.heard = environment, 0

    def respond(self, turn: str) -> Observation | None:
        """Sleep, then answer."""
        self.heard += 1
        if self.heard == self.environment.turns:
            return None
        time.sleep(self.environment.tool_s)
        return Observation("1;", role=None)

    def close(self) -> None:
        """Nothing is held."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transcripts", type=int, default=256)
    parser.add_argument("--turns", type=int, default=8)
    parser.add_argument("--tool-ms", type=float, default=50.0)
    parser.add_argument("--threads", type=int, default=256, help="tools at the same time")
    options = parser.parse_args()
    torch.set_num_threads(int(torch.get_num_threads()))
    engine = TransformersEngine.load(warm_start_folder(resolve(read_recipe("tiny")).warm_start))
    problems = arithmetic_problems(
        "train", options.transcripts, 0, family=Family(min_terms=3, max_terms=6, max_digits=1)
    )
    prompts: list[Prompt] = [str(problem.prompt[-1]["content"]) for problem in problems]
    params = SamplingParams(max_new_tokens=40 * options.turns)
    tool = SlowTool(options.turns, options.tool_ms / 1000)
    limits = TurnLimits(turns=options.turns, observation_tokens=100 * options.turns)
    print(f"{platform.processor() or platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}, "
          f"{datetime.date.today()}")  # fmt: skip
    for lag_steps, kept_tokens in ((None, 0), (None, 65536), (8, 65536)):
        engine.kept_tokens, engine.prefilled_tokens = kept_tokens, 0
        multi = MultiTurnEngine(
            engine, tool, engine.tokenizer, limits=limits, lag_steps=lag_steps, threads=options.threads
        )
        started_s = time.monotonic()
        groups = multi.generate(prompts, params)
        name = f"lag_steps {lag_steps or 0}, kept_tokens {kept_tokens}"
        report(name, time.monotonic() - started_s, multi.waited_s, groups)
        print(f"{'':32s} {engine.prefilled_tokens} tokens of prompts and earlier turns computed")
    rounds(engine, prompts, params, options)


def rounds(
    engine: TransformersEngine, prompts: list[Prompt], params: SamplingParams, options: argparse.Namespace
) -> None:
    """The same without interleaving."""
    started_s, waited_s, texts = time.monotonic(), 0.0, [str(prompt) for prompt in prompts]
    groups: list[list[Completion]] = []
    with ThreadPoolExecutor(options.threads) as threads:
        for turn in range(options.turns):
            groups = engine.generate(texts, replace(params, max_new_tokens=40, stop=STOP, seed=turn))
            begun_s = time.monotonic()
            if turn < options.turns - 1:
                list(threads.map(lambda _: threading.Event().wait(options.tool_ms / 1000), groups))
            waited_s += time.monotonic() - begun_s
            texts = [f"{text}{group[0].text}1;" for text, group in zip(texts, groups, strict=True)]
    report("rounds", time.monotonic() - started_s, waited_s, [])


def report(name: str, wall_s: float, waited_s: float, groups: list[list[Completion]]) -> None:
    """One line."""
    sampled = sum(completion.num_sampled for group in groups for completion in group)
    turns = sum(sum(one.is_sampled for one in c.segments) or 1 for group in groups for c in group)
    told = f", {sampled / wall_s:6.0f} tokens/s, {turns} turns" if groups else ""
    print(f"{name:32s} {wall_s:6.1f} s, idle {waited_s / wall_s:6.1%}{told}", flush=True)


if __name__ == "__main__":
    main()
