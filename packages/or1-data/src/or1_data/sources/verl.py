"""Adapters of rows in verl's format: OR1 itself, DAPO, and the variants of others."""

from __future__ import annotations

from collections.abc import Mapping

from or1_data.schema import Problem, problem_from_row
from or1_data.sources.fields import Row


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

    The ability may be written in capitals or be a kind of maths, the style may name a grader, and the ground truth may
    sit under `target`.
    """
    reward = row.get("reward_model")
    reward = dict(reward) if isinstance(reward, Mapping) else {}
    truth = reward.get("ground_truth")
    if isinstance(truth, Mapping) and truth.get("target") is not None:
        truth = truth["target"]
        truth = truth.tolist() if hasattr(truth, "tolist") else truth
    ability = str(row.get("ability") or "").lower()
    extra = dict(row.get("extra_info") or {})
    if isinstance(reward.get("style"), str) and reward["style"] != "rule":
        extra["reward_style"] = reward["style"]
    fixed = {
        **row,
        "data_source": row.get("data_source") or source,
        "ability": "code" if ability in ("code", "coding") else "math" if "math" in ability else ability,
        "reward_model": {"style": "rule", "ground_truth": truth},
        "extra_info": extra,
    }
    return problem_from_row(fixed)
