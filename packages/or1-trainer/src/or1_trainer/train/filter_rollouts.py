"""The right responses of a run as rows of messages, to be fine-tuned on: rejection sampling, k of each problem."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal

import msgspec

from or1_data.schema import Problem
from or1_trainer.errors import ConfigError
from or1_trainer.metrics.files import replace_file
from or1_trainer.metrics.rollout_log import RolloutRecord, read_rollouts, rollout_files
from or1_trainer.train.initial_policy import starting_policy
from or1_trainer.train.problems import load_dataset
from or1_trainer.train.prompts import PromptEncoder, load_tokenizer
from or1_trainer.train.run_folder import read_config

Pick = Literal["shortest", "diverse"]


def filter_rollouts(run_dir: Path, out: Path, *, per_problem: int, pick: Pick, least_reward: float) -> int:
    """Write the rows; returns how many. Raises `ConfigError` where the run kept no rollout that qualifies."""
    config = read_config(run_dir)
    prompts = PromptEncoder(load_tokenizer(starting_policy(config)))
    problems = {problem.id: problem for problem in load_dataset(config.data, prompts).train}
    rows = list(_rows(right_responses(run_dir, least_reward), problems, per_problem, pick))
    if not rows:
        raise ConfigError(
            f"{run_dir}: no right response among the rollouts that were kept; see watch.rollout_share, --least-reward"
        )
    replace_file(out, b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    return len(rows)


def right_responses(run_dir: Path, least_reward: float) -> dict[str, list[RolloutRecord]]:
    """Problem -> its different responses that ended by themselves, are right, and earned enough; in order."""
    found: dict[str, dict[str, RolloutRecord]] = {}
    for _, path in rollout_files(run_dir):
        for record in read_rollouts(path):
            is_right = record.status == "correct" and record.finish_reason == "stop"
            if is_right and record.reward is not None and record.reward >= least_reward:
                found.setdefault(record.problem_id, {}).setdefault(record.response, record)
    return {problem: list(responses.values()) for problem, responses in found.items()}


def choose(records: Sequence[RolloutRecord], count: int, pick: Pick) -> list[RolloutRecord]:
    """The shortest `count`; or the shortest, then each time the one farthest from those chosen."""
    ranked = sorted(records, key=lambda record: (record.num_tokens, record.response))
    if pick == "shortest":
        return ranked[:count]
    chosen, words = ranked[:1], {record.response: frozenset(_pairs(record.response)) for record in ranked}
    while len(chosen) < min(count, len(ranked)):
        left = [record for record in ranked if record not in chosen]
        chosen.append(max(left, key=lambda r: min(_distance(words[r.response], words[c.response]) for c in chosen)))
    return chosen


def _rows(
    right: Mapping[str, Sequence[RolloutRecord]], problems: Mapping[str, Problem], count: int, pick: Pick
) -> Iterator[dict[str, Any]]:
    for name, records in right.items():
        if name not in problems:
            raise ConfigError(
                f"problem {name} of the rollouts is not in the run's training data: were its files changed?"
            )
        prompt = [dict(message) for message in problems[name].prompt]
        for record in choose(records, count, pick):
            answer = {"role": "assistant", "content": record.response}
            yield {"messages": [*prompt, answer], "problem_id": name, "reward": record.reward}


def _pairs(text: str) -> list[tuple[str, str]]:
    """Neighboring words; characters of a text without spaces."""
    words = text.split() if " " in text else list(text)
    return list(pairwise(words))


def _distance(one: frozenset[tuple[str, str]], other: frozenset[tuple[str, str]]) -> float:
    """1 - Jaccard similarity."""
    both = one | other
    return 1 - len(one & other) / len(both) if both else 0.0
