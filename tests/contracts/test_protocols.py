"""Each leaf satisfies the protocol that a consumer declared: checked by mypy, and by calling."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from or1_data import make_problem
from or1_data.difficulty.estimate import DifficultySettings, estimate_difficulty
from or1_data.verifying import correct, judged, load_verifier
from or1_eval import Problem, Sampling, Task, evaluate
from or1_reward import Status, verify
from or1_rollout.types import Completion, FinishReason, Prompt, SamplingParams

FITS = Path(__file__).with_name("protocol_fits.py")


def test_mypy_says_that_the_siblings_fit_and_would_say_that_something_does_not(repo_root: Path, tmp_path: Path) -> None:
    broken = tmp_path / "protocol_breaks.py"
    broken.write_text(
        "import or1_data.verifying as data\n\n\n"
        "def judge(answer: str) -> float:\n    return float(len(answer))\n\n\n"
        "def verifier() -> data.Verifier:\n    return judge\n"
    )
    command = [sys.executable, "-m", "mypy", "--config-file", str(repo_root / "pyproject.toml"), str(FITS), str(broken)]
    done = subprocess.run(command, cwd=repo_root, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1, done.stderr
    errors = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert [line.split(":")[0].rpartition("/")[2] for line in errors] == ["protocol_breaks.py"], done.stdout
    assert "Incompatible return value type" in errors[0]


class KnowingEngine:
    """An or1-rollout engine that knows the answers: every second sample is right, the rest are off by one."""

    def generate(
        self,
        prompts: Sequence[Prompt],
        params: SamplingParams,
        *,
        seeds: Sequence[Sequence[int]] | None = None,
        on_group: Callable[[int, list[Completion]], None] | None = None,
        on_sample: Callable[[int, int, Completion], None] | None = None,
    ) -> list[list[Completion]]:
        groups = []
        for index, prompt in enumerate(prompts):
            first, second = str(prompt).split("+")
            sums = [int(first) + int(second) + sample % 2 for sample in range(params.n)]
            seeds_G = seeds[index] if seeds is not None else range(params.n)
            group = [self.complete(f"\\boxed{{{total}}}", seed) for total, seed in zip(sums, seeds_G, strict=True)]
            groups.append(group)
            if on_group is not None:
                on_group(index, group)
        return groups

    @staticmethod
    def complete(text: str, seed: int) -> Completion:
        ids = np.frombuffer(text.encode(), dtype=np.uint8).astype(np.int32)
        return Completion(token_ids=ids, logprobs=None, text=text, finish_reason=FinishReason.STOP, seed=seed)


def test_eval_takes_the_words_of_rollout() -> None:
    problems = tuple(Problem(id=f"p{n}", prompt=f"{n}+{n}", ground_truth=str(2 * n)) for n in range(1, 5))
    report = evaluate(Task(name="sums", problems=problems), KnowingEngine(), k=4)
    assert report.avg == pytest.approx(0.5)
    assert report.mean_tokens == pytest.approx(len(r"\boxed{8}"), abs=1)


def test_sampling_of_eval_has_the_attributes_of_rollout() -> None:
    theirs = {field.name: field for field in dataclasses.fields(SamplingParams)}
    ours = {field.name: field for field in dataclasses.fields(Sampling)}
    assert theirs.keys() <= ours.keys()
    assert {name: str(field.type) for name, field in theirs.items()} == {n: str(ours[n].type) for n in theirs}


def test_data_reads_the_verdicts_of_reward() -> None:
    assert load_verifier() is verify
    assert correct(verify, r"\boxed{0.5}", '"1/2"')
    assert not correct(verify, r"\boxed{0.6}", '"1/2"')
    assert judged(verify, r"\boxed{0.5}", '"1/2"')[:2] == (True, "0.5")


class EngineSampler:
    """or1-data's `Sampler` over any or1-rollout engine: the few lines that connect the two."""

    def __init__(self, engine: KnowingEngine) -> None:
        self.engine = engine

    def sample(
        self, prompts: Sequence[Sequence[dict[str, str]]], counts: Sequence[int], first_attempts: Sequence[int]
    ) -> list[list[str]]:
        texts = [prompt[-1]["content"] for prompt in prompts]
        groups = self.engine.generate(texts, SamplingParams(n=max(counts)))
        return [[c.text for c in group[:count]] for group, count in zip(groups, counts, strict=True)]


def difficulties(problems: Iterable[Any], settings: DifficultySettings) -> list[Any]:
    """The problems with their counts, sampled by the engine and judged by or1-reward."""
    return list(estimate_difficulty(problems, EngineSampler(KnowingEngine()), verify, settings))


def test_data_measures_difficulty_with_an_engine_and_a_verifier() -> None:
    problem = make_problem("3+4", "7", ability="math", data_source="sums")
    (noted,) = difficulties([problem], DifficultySettings(model="m", attempts=8, stop="full", instruct=False))
    assert noted.extra_info["model_difficulty"] == {"m": 4}  # failures
    assert noted.extra_info["model_attempts"] == {"m": 8}


def test_status_words_of_reward_are_text_to_everyone() -> None:
    assert all(isinstance(status, str) and status == status.value for status in Status)
