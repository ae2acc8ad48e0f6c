r"""A task as data: where the problems are, how they become prompts, how they are sampled. Read from TOML.

    name = "my_exam"
    file = "exam.jsonl"             # beside this file; or [hub] id = "org/name"
    k = 8
    template = "boxed"              # one of [templates], or "as given"

    [columns]                       # only where they cannot be guessed
    problem = "question"
    answer = "solution"

    [templates]
    boxed = "{problem}\n\nPut the final answer in \\boxed{}."

    [sampling]
    max_new_tokens = 8192

Unknown keys are errors that name the nearest known one.
"""

from __future__ import annotations

import dataclasses
import difflib
import tomllib
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar

from or1_eval.errors import TaskError
from or1_eval.types import Sampling

AS_GIVEN = "as given"
"""The template that leaves a problem as its row has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hub:
    """A data set of the hub: id, configuration, split; `files` are read as JSON lines where the set is bare files."""

    id: str
    config: str = ""
    split: str = "test"
    revision: str = "main"
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column holds what; empty is guessed from the usual names.

    `answer_after` cuts an answer behind a mark; `wrong` are the columns of the other choices of a multiple choice.
    """

    id: str = ""
    problem: str = ""
    answer: str = ""
    answer_after: str = ""
    wrong: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the known version of a benchmark holds, so that another one is noticed: 0 and "" are not checked."""

    num_problems: int = 0
    answers_sha256: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Contest dates of LiveCodeBench problems, both ends included, and the release they come from."""

    start: str = "2024-08-01"
    end: str = "2025-02-01"
    release: str = "release_latest"


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """Everything about a task but the problems themselves.

    `kind` is how a row is asked and judged: an answer; one of several choices; a Python function with tests (HumanEval+
    and MBPP+); a problem of LiveCodeBench. `note` says what of the task was never run.
    """

    name: str
    description: str = ""
    license: str = ""
    note: str = ""
    kind: typing.Literal["answers", "choices", "functions", "livecodebench"] = "answers"
    file: str = ""
    hub: Hub | None = None
    columns: Columns = Columns()
    template: str = AS_GIVEN
    templates: Mapping[str, str] = field(default_factory=dict)
    system: str = ""
    k: int = 1
    sampling: Sampling = field(default_factory=Sampling)
    expected: Expected = Expected()
    window: Window = Window()
    votes: bool = True

    def __post_init__(self) -> None:
        """Refuse templates that do not ask the problem, and numbers that make no sense."""
        for name, text in self.templates.items():
            if not isinstance(text, str) or "{problem}" not in text:
                raise ValueError(f"the template {name!r} has no {{problem}}: all prompts would be the same")
        if self.k < 1:
            raise ValueError(f"k must be at least 1, not {self.k}")
        if self.sampling.n != 1:
            raise ValueError("the number of samples per problem is k, not n under [sampling]")


def read_spec(path: Path) -> TaskSpec:
    """The task of a TOML file; a relative `file` is beside it.

    Raises:
        TaskError: not TOML, an unknown key (with the nearest known one), a missing or wrong value.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise TaskError(f"{path}: {error}") from error
    spec = build(TaskSpec, table, str(path))
    if spec.file and not Path(spec.file).is_absolute():
        return dataclasses.replace(spec, file=str(path.parent / spec.file))
    return spec


def builtin_names() -> list[str]:
    """The tasks that come with the package."""
    return sorted(item.name.removesuffix(".toml") for item in _builtin().iterdir() if item.name.endswith(".toml"))


def builtin_spec(name: str) -> TaskSpec:
    """A task that comes with the package; TaskError names the known ones."""
    if name not in builtin_names():
        near = difflib.get_close_matches(name, builtin_names(), n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise TaskError(
            f"no task {name!r}: {hint}known are {', '.join(builtin_names())}; a task of your own is a TOML file or a "
            "problem file (.jsonl, .json, .parquet)"
        )
    return build(TaskSpec, tomllib.loads((_builtin() / f"{name}.toml").read_text(encoding="utf-8")), name)


def _builtin() -> Any:
    return resources.files("or1_eval.tasks") / "builtin"


Built = TypeVar("Built")


def build(kind: type[Built], table: Mapping[str, Any], where: str) -> Built:
    """A frozen dataclass from a table, nested tables included; every key must be known and every value fit."""
    hints = typing.get_type_hints(kind)
    for key in table:
        if key not in hints:
            near = difflib.get_close_matches(key, hints, n=1)
            raise TaskError(f"{where}: unknown key {key!r}" + (f", did you mean {near[0]!r}?" if near else ""))
    try:
        return kind(**{key: _fitted(hints[key], value, f"{where}: {key}") for key, value in table.items()})
    except (TypeError, ValueError) as error:  # a required key is missing, or __post_init__ refuses
        raise TaskError(f"{where}: {error}") from error


def _fitted(hint: Any, value: Any, where: str) -> Any:
    options = [option for option in typing.get_args(hint) if option is not type(None)]
    if type(None) in typing.get_args(hint):
        hint = options[0]
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise TaskError(f"{where} must be a table")
        return build(hint, value, where)
    if typing.get_origin(hint) is tuple and isinstance(value, list):
        (item, *_) = typing.get_args(hint)
        return tuple(_fitted(item, part, f"{where}[{index}]") for index, part in enumerate(value))
    if typing.get_origin(hint) is typing.Literal:
        if value not in options:
            raise TaskError(f"{where} must be one of {', '.join(map(repr, options))}, not {value!r}")
        return value
    expected = typing.get_origin(hint) or hint
    if expected is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        raise TaskError(f"{where} must be {getattr(expected, '__name__', expected)}, not {value!r}")
    return value
