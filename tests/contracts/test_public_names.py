"""The names that other projects call, with their parameters: a change here is a break for every user.

Pinned by the design's table of formats and names; whoever changes one changes it here too, on purpose.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import Any

import pytest

import or1_eval
import or1_reward
import or1_rollout.types as rollout
from or1_rollout.engine import Engine

KEYWORD = inspect.Parameter.KEYWORD_ONLY
PLAIN = inspect.Parameter.POSITIONAL_OR_KEYWORD
REQUIRED = inspect.Parameter.empty


def parameters(function: Callable[..., Any]) -> list[tuple[str, Any, Any]]:
    """(name, kind, default) of each parameter, `self` left out."""
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default) for p in found if p.name != "self"]


VERIFY = [
    ("response", PLAIN, REQUIRED),
    ("ground_truth", PLAIN, REQUIRED),
    ("finish_reason", KEYWORD, None),
    ("limits", KEYWORD, or1_reward.Limits()),
]


@pytest.mark.parametrize("function", [or1_reward.verify, or1_reward.averify])
def test_verify_takes_text_and_truth(function: Callable[..., Any]) -> None:
    assert parameters(function)[: len(VERIFY)] == VERIFY
    assert all(default is not REQUIRED for _, _, default in parameters(function)[len(VERIFY) :])


def test_averify_is_async_and_verify_is_not() -> None:
    assert inspect.iscoroutinefunction(or1_reward.averify)
    assert not inspect.iscoroutinefunction(or1_reward.verify)


def test_verify_many_takes_items_and_workers() -> None:
    items, *rest = parameters(or1_reward.verify_many)
    assert items == ("items", PLAIN, REQUIRED)
    assert "workers" in [name for name, _, _ in rest]
    assert all(default is not REQUIRED for _, _, default in rest)


def test_words_of_a_verdict() -> None:
    assert [status.value for status in or1_reward.Status] == [
        "correct",
        "wrong",
        "no_answer",
        "truncated",
        "unparsable",
        "time_limit",
        "memory_limit",
        "runtime_error",
        "syntax_error",
        "verifier_error",
    ]
    fields = [field.name for field in dataclasses.fields(or1_reward.Verdict)]
    assert fields == ["status", "extracted", "detail", "elapsed_s", "tests", "share"]
    rewards = {status: or1_reward.Verdict(status=status).reward for status in or1_reward.Status}
    assert rewards.pop(or1_reward.Status.CORRECT) == 1.0
    assert rewards.pop(or1_reward.Status.VERIFIER_ERROR) is None
    assert set(rewards.values()) == {0.0}
    limits = or1_reward.Limits()
    assert (limits.time_s, limits.memory_mb) == (6.0, 1024)


def test_words_of_a_completion() -> None:
    fields = [field.name for field in dataclasses.fields(rollout.Completion)]
    assert fields == [
        "token_ids",
        "logprobs",
        "text",
        "finish_reason",
        "seed",
        "weight_version",
        "reasoning",
        "segments",
    ]
    assert [reason.value for reason in rollout.FinishReason] == ["stop", "length", "abort"]
    defaults = {field.name: field.default for field in dataclasses.fields(rollout.SamplingParams)}
    assert defaults == {
        "n": 1,
        "max_new_tokens": 1024,
        "temperature": 1.0,
        "top_p": 1.0,
        "top_k": -1,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "stop": (),
        "stop_token_ids": (),
        "seed": 0,
    }


def test_an_engine_generates_and_syncs_weights() -> None:
    assert parameters(Engine.generate) == [
        ("prompts", PLAIN, REQUIRED),
        ("params", PLAIN, REQUIRED),
        ("seeds", KEYWORD, None),
        ("limits", KEYWORD, None),
        ("on_group", KEYWORD, None),
        ("on_sample", KEYWORD, None),
        ("on_tokens", KEYWORD, None),
    ]
    assert parameters(Engine.sync_weights) == [
        ("weights", PLAIN, REQUIRED),
        ("version", KEYWORD, REQUIRED),
        ("probe", KEYWORD, REQUIRED),
    ]
    assert [name for name, _, _ in parameters(Engine.logprobs)] == ["prompt_ids", "response_ids"]
    assert parameters(Engine.close) == []


def test_evaluate_takes_a_task_an_engine_and_k() -> None:
    task, engine, *rest = parameters(or1_eval.evaluate)
    assert [task, engine] == [("task", PLAIN, REQUIRED), ("engine", PLAIN, REQUIRED)]
    assert "k" in [name for name, _, _ in rest]
    assert all(default is not REQUIRED for _, _, default in rest)
    assert inspect.signature(or1_eval.evaluate, eval_str=True).return_annotation is or1_eval.Report


@pytest.mark.parametrize("module", ["or1_data", "or1_eval", "or1_reward", "or1_rollout", "or1_trainer"])
def test_a_package_has_one_door(module: str) -> None:
    package = __import__(module)
    assert package.__doc__
    assert "__version__" in package.__all__
    missing = [name for name in package.__all__ if not hasattr(package, name)]
    assert not missing
