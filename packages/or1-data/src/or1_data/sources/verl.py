"""Adapters of rows in verl's format: OR1 itself, DAPO, and the variants of others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from or1_data.errors import SchemaError
from or1_data.ground_truth import answers
from or1_data.schema import Problem, problem_from_row
from or1_data.sources.fields import Row, decoded


def or1(row: Row, source: str) -> Problem:
    r"""The OR1 row, strictly; see `or1_data.schema`. Keeps the row's own `data_source`.

    {"data_source": "train-math-x", "prompt": [{"role": "user", "content": "1+1=?"}], "ability": "math",
     "reward_model": {"style": "rule", "ground_truth": "[\"2\"]"},
     "extra_info": {"index": 0, "model_difficulty": {"DeepSeek-R1-Distill-Qwen-7B": 3}}}
    """
    return problem_from_row(row)


def verl(row: Row, source: str) -> Problem:
    """A verl row of another set; DAPO-Math-17k is one.

    {"data_source": "math_dapo", "prompt": [{"role": "user", "content": "How many primes are below 10?"}],
     "ability": "MATH", "extra_info": {"index": "9a9b"},
     "reward_model": {"style": "rule-lighteval/MATH_v2", "ground_truth": "4"}}

    The ability may be written in capitals or be a kind of math, the style may name a grader, the ground truth may
    sit under `target`, the prompt may be plain text, and objects may be packed as JSON text (guru, DAPO-Processed).
    """
    reward = _object(row, "reward_model")
    truth = reward.get("ground_truth")
    if isinstance(truth, Mapping) and truth.get("target") is not None:
        truth = truth["target"]
        truth = truth.tolist() if hasattr(truth, "tolist") else truth
    ability = str(row.get("ability") or "").lower()
    extra = _object(row, "extra_info")
    if isinstance(reward.get("style"), str) and reward["style"] != "rule":
        extra["reward_style"] = reward["style"]
    fixed = {
        **row,
        "data_source": row.get("data_source") or source,
        "prompt": _messages(row.get("prompt")),
        "ability": "code" if ability.startswith(("code", "coding")) else "math" if "math" in ability else ability,
        "reward_model": {"style": "rule", "ground_truth": truth},
        "extra_info": extra,
    }
    problem = problem_from_row(fixed)
    return replace(problem, solution="") if problem.solution.strip() in _answers(problem) else problem


def _object(row: Row, key: str) -> dict[str, Any]:
    """The object under a key, decoded where it is JSON text, as many sets pack it."""
    value = decoded(row, key) if row.get(key) else {}
    if not isinstance(value, Mapping):
        raise SchemaError(f"must be an object, not {type(value).__name__}", key=key, todo="drop the row or repair it")
    return dict(value)


def _messages(prompt: object) -> object:
    """Chat messages; a plain text is one message of the user."""
    return [{"role": "user", "content": prompt}] if isinstance(prompt, str) else prompt


def _answers(problem: Problem) -> list[str]:
    """The answers of a math row: a `solution` that is nothing more is no worked solution."""
    return answers(problem.ground_truth) if problem.ability == "math" else []
