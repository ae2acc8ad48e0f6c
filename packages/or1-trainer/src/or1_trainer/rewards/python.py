"""`python`: a function of the user's, with the signature of TRL's reward functions, sync or async.

    def function(prompts, completions, completion_ids, **columns) -> list[float | None]

One call per group. `columns` are lists of the same length: what the problem's row has, `finish_reason`, and for
responses of several turns `transcripts`, the segments of each (`or1_rollout.types.Segment`) as dictionaries.
"""

from __future__ import annotations

import importlib
import inspect
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from or1_data.schema import Problem
from or1_trainer.config.rewards import PythonReward
from or1_trainer.errors import ConfigError, TrainingError
from or1_trainer.rewards.event_loop import GROUPS_AT_A_TIME, EventLoop
from or1_trainer.rewards.group import Group, Reward, Values


class PythonFunction(Reward):
    """Calls the function for one group at a time, or, where it is async, for many."""

    def __init__(self, settings: PythonReward, *, has_chat_template: bool) -> None:
        """Import the function. Raises `ConfigError` where that fails."""
        self._settings = settings
        self._function = load_function(settings.function)
        self._as_messages = has_chat_template if settings.prompts == "auto" else settings.prompts == "messages"
        self._loop = EventLoop(settings.label) if is_async(self._function) else None
        self.workers = GROUPS_AT_A_TIME if self._loop else 1

    def values(self, group: Group) -> Values:
        """See `Reward`; raises what the function raises."""
        arguments = _accepted(self._function, self._arguments(group), self._settings.function)
        found = self._function(**arguments)
        values = list(self._loop.run(found) if self._loop else found)
        return [0.0 if value is None and self._settings.none == "zero" else value for value in values]

    def close(self) -> None:
        """Stop the loop of an async function."""
        if self._loop:
            self._loop.close()

    def _arguments(self, group: Group) -> dict[str, Any]:
        texts, count = [completion.text for completion in group.completions], len(group.completions)
        prompt: Any = [dict(message) for message in group.problem.prompt] if self._as_messages else group.prompt
        columns = columns_of(group.problem)
        return {
            **{name: [value] * count for name, value in columns.items()},
            "prompts": [prompt] * count,
            "completions": [[{"role": "assistant", "content": text}] for text in texts] if self._as_messages else texts,
            "completion_ids": [completion.token_ids.tolist() for completion in group.completions],
            "transcripts": [[asdict(segment) for segment in completion.segments] for completion in group.completions],
            "finish_reason": [completion.finish_reason.value for completion in group.completions],
            "trainer_state": SimpleNamespace(global_step=group.step),
        }


def columns_of(problem: Problem) -> dict[str, Any]:
    """The columns of a problem's row; those of `extra_info` by their own names too, where these are free."""
    own = {
        "problem_id": problem.id,
        "statement": problem.statement,
        "ground_truth": problem.ground_truth,
        "solution": problem.solution,
        "ability": problem.ability,
        "data_source": problem.data_source,
        "extra_info": dict(problem.extra_info),
    }
    return {**{name: value for name, value in problem.extra_info.items() if name.isidentifier()}, **own}


def load_function(reference: str) -> Callable[..., Any]:
    """The function that `package.module:function` names; the current folder is searched like an installed package.

    Raises `ConfigError` where there is no such module or function, with what importing it said.
    """
    module, name = reference.split(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"reward function {reference!r} cannot be imported: {error}; give package.module:function of an installed "
            f"package, or of a file below {here}"
        ) from error
    if not callable(function):
        raise ConfigError(f"reward function {reference!r} is not a function but {type(function).__name__}")
    return function  # type: ignore[no-any-return]


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives something to be awaited: an async function, or an object with an async `__call__`."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(type(function).__call__)


def _accepted(function: Callable[..., Any], offered: Mapping[str, Any], reference: str) -> dict[str, Any]:
    """Those of the offered arguments that the function takes; all of them where it has `**columns`."""
    parameters = inspect.signature(function).parameters.values()
    needed = {p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}
    if missing := sorted(needed - set(offered)):
        raise SignatureError(
            f"reward function {reference!r} asks for {', '.join(missing)}, which the rows do not have; there are "
            f"{', '.join(sorted(offered))}"
        )
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return dict(offered)
    return {parameter.name: offered[parameter.name] for parameter in parameters if parameter.name in offered}


class SignatureError(TrainingError):
    """The function wants an argument that there is not: nothing to be skipped."""
