r"""The problem row: `Problem` in memory, and the row of `Skywork/Skywork-OR1-RL-Data` on disk, which verl reads too.

    {"data_source": "train-math-x", "prompt": [{"role": "user", "content": "1+1=?"}], "ability": "math",
     "reward_model": {"style": "rule", "ground_truth": "[\"2\"]"},
     "extra_info": {"index": 0, "model_difficulty": {"R1-7B": 3}, "model_attempts": {"R1-7B": 16}}}

`ground_truth` is JSON text. `model_difficulty[model]` counts failures; the number of attempts travels beside it.
What stages noted about a row is in `extra_info.or1_data`: an object in jsonl, its JSON text in parquet.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final, Literal

from or1_data.errors import SchemaError
from or1_data.ground_truth import Kind, ground_truth_kind, ground_truth_text
from or1_data.templates import Parts, messages, split_instructions
from or1_data.text.canonical import content_id

Ability = Literal["math", "code"]
Message = Mapping[str, str]

INSTRUCTIONS: Final = "instructions"
"""The key of `extra_info` under which a prefix and a suffix are kept that were found around the statement."""
ORIGIN: Final = "origin"
"""The key of `extra_info` that says where a row came from: file, line, the set's own id and license."""
NOTES: Final = "or1_data"
"""The key of `extra_info` that carries what the stages noted."""
_ROW_KEYS: Final = ("data_source", "prompt", "ability", "reward_model", "extra_info")


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One problem with a verifiable answer.

    `prompt` is what a model sees, `statement` the problem without instructions, `ground_truth` JSON text.
    `notes` maps a stage to what it noted; stages add, nobody deletes. `solution` is a worked solution or program if
    the source had one: it is used by checks, and stored under `extra_info.solution`.
    """

    prompt: tuple[Message, ...]
    statement: str
    ground_truth: str
    ability: Ability
    data_source: str
    style: str = "rule"
    solution: str = ""
    extra_info: Mapping[str, Any] = field(default_factory=dict)
    notes: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def kind(self) -> Kind:
        """Which kind of ground truth this is."""
        return ground_truth_kind(self.ground_truth)

    @cached_property
    def id(self) -> str:
        """Content id: 16 hex digits over canonical statement, ability and kind; the same in every file and order."""
        return content_id(self.statement, self.ability, self.kind)

    @property
    def instructions(self) -> Parts:
        """Prefix, statement and suffix of the user's text: what the set told the model, apart from the problem."""
        return split_instructions("\n\n".join(m["content"] for m in self.prompt if m["role"] == "user"))

    def with_note(self, stage: str, note: object) -> Problem:
        """The same problem with one more note (None removes it)."""
        notes = {key: value for key, value in self.notes.items() if key != stage}
        return replace(self, notes=notes if note is None else {**notes, stage: note})


def make_problem(
    statement: str,
    ground_truth: object,
    *,
    ability: Ability,
    data_source: str,
    template: str = "bare",
    solution: str = "",
    extra_info: Mapping[str, Any] | None = None,
) -> Problem:
    """A problem from its parts; instructions around `statement` are set apart, the prompt is the template's.

    Raises:
        SchemaError: an empty statement, or a ground truth that `ability` cannot have.
    """
    parts = split_instructions(statement)
    if not parts.statement:
        raise SchemaError("the statement is empty", key="prompt", todo="drop the row or map the right column")
    truth = ground_truth_text(ground_truth)
    _check_ability(truth, ability)
    info = dict(extra_info or {})
    if parts.prefix or parts.suffix:
        info[INSTRUCTIONS] = {"prefix": parts.prefix, "suffix": parts.suffix}
    return Problem(
        prompt=messages(parts.statement, template),
        statement=parts.statement,
        ground_truth=truth,
        ability=ability,
        data_source=data_source,
        solution=solution,
        extra_info=info,
    )


def problem_from_row(row: Mapping[str, Any]) -> Problem:
    """A row of the format as a `Problem`; columns beyond the five of the format go to `extra_info`.

    Raises:
        SchemaError: naming the key and what to do.
    """
    prompt = _prompt(row.get("prompt"))
    ability = row.get("ability")
    if ability not in ("math", "code"):
        raise SchemaError(
            f"must be 'math' or 'code', not {ability!r}", key="ability", todo="set it, or read with --source"
        )
    reward = row.get("reward_model")
    if not isinstance(reward, Mapping) or reward.get("ground_truth") is None:
        raise SchemaError(
            "must be an object with a ground_truth", key="reward_model", todo="see the row format in the README"
        )
    truth = ground_truth_text(reward["ground_truth"])
    _check_ability(truth, ability)
    extra = {str(key): value for key, value in _extra_info(row.get("extra_info")).items() if value is not None}
    extra |= {str(key): value for key, value in row.items() if key not in _ROW_KEYS and value is not None}
    notes = extra.pop(NOTES, None) or {}
    solution = extra.pop("solution", "")
    for key in ("model_difficulty", "model_attempts", ORIGIN):
        if isinstance(extra.get(key), Mapping):
            extra[key] = {model: count for model, count in extra[key].items() if count is not None}
    return Problem(
        prompt=prompt,
        statement=_statement(prompt, extra.get(INSTRUCTIONS)),
        ground_truth=truth,
        ability=ability,
        data_source=_data_source(row.get("data_source")),
        style=str(reward.get("style") or "rule"),
        solution=solution if isinstance(solution, str) else json.dumps(solution, ensure_ascii=False),
        extra_info=extra,
        notes=json.loads(notes) if isinstance(notes, str) else notes,
    )


def _extra_info(value: object) -> Mapping[str, Any]:
    """`extra_info` as an object; JSON text of one is decoded."""
    if isinstance(value, str) and value.strip():
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    if not isinstance(value or {}, Mapping):
        raise SchemaError(
            f"must be an object, not {str(value)[:60]!r}", key="extra_info", todo="give an object, or leave it out"
        )
    return value or {}  # type: ignore[return-value]


def row_of(problem: Problem, *, notes_as_text: bool = False) -> dict[str, Any]:
    """The row of a problem; `notes_as_text` for tables, whose columns want one type."""
    extra = dict(problem.extra_info)
    if problem.solution:
        extra["solution"] = problem.solution
    if problem.notes:
        extra[NOTES] = json.dumps(problem.notes, ensure_ascii=False) if notes_as_text else dict(problem.notes)
    return {
        "data_source": problem.data_source,
        "prompt": [{"role": message["role"], "content": message["content"]} for message in problem.prompt],
        "ability": problem.ability,
        "reward_model": {"style": problem.style, "ground_truth": problem.ground_truth},
        "extra_info": extra,
    }


def _check_ability(truth: str, ability: str) -> None:
    kind = ground_truth_kind(truth)
    if (kind == "answer") != (ability == "math"):
        raise SchemaError(
            f"ability {ability!r} does not fit a ground truth of kind {kind!r}",
            key="reward_model.ground_truth",
            todo="repair the ability or the ground truth",
        )


def _prompt(value: object) -> tuple[Message, ...]:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        raise SchemaError(
            "must be a list of {role, content}", key="prompt", todo="wrap a plain text as one user message"
        )
    for message in value:
        ok = isinstance(message, Mapping) and all(isinstance(message.get(key), str) for key in ("role", "content"))
        if not ok:
            raise SchemaError(
                f"{str(message)[:60]!r} is not a message", key="prompt", todo="give each message role and content text"
            )
    if not any(message["role"] == "user" and message["content"].strip() for message in value):
        raise SchemaError("has no user message with text", key="prompt", todo="drop the row or repair its prompt")
    return tuple({"role": message["role"], "content": message["content"]} for message in value)


def _statement(prompt: tuple[Message, ...], apart: object) -> str:
    """The user's text without instructions: several user messages are one statement.

    `apart` are the prefix and suffix that were found around it when the source was read.
    """
    text = "\n\n".join(message["content"] for message in prompt if message["role"] == "user")
    statement = split_instructions(text).statement
    if not isinstance(apart, Mapping):
        return statement
    inner = statement.removeprefix(str(apart.get("prefix") or "")).lstrip()
    return inner.removesuffix(str(apart.get("suffix") or "")).strip() or statement


def _data_source(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise SchemaError(
            f"must be a text, not {value!r}", key="data_source", todo="name the set that the row comes from"
        )
    return value
