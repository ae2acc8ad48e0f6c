"""Prompt rows in, completion rows out; a broken prompt row is named before anything is generated."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from or1_rollout.errors import RowError, SettingsError
from or1_rollout.types import Completion, Prompt

_LINE_START = b'{"id": "'
_FOREIGN = "this is not a line of completions; nothing was changed, give another file with -o"


@dataclass(frozen=True, slots=True)
class PromptRow:
    """One line of the input: `{"id": ..., "prompt": ...}`; the prompt is text, chat messages, or token ids."""

    id: str
    prompt: Prompt


def with_system(row: PromptRow, system: str) -> PromptRow:
    """The row with a system message in front; a text becomes a chat message. Raises `RowError` for token ids."""
    if isinstance(row.prompt, str):
        return PromptRow(row.id, [{"role": "system", "content": system}, {"role": "user", "content": row.prompt}])
    messages = [message for message in row.prompt if isinstance(message, Mapping)]
    if len(messages) < len(row.prompt):
        raise RowError(f"prompt {row.id!r} is token ids: no system message can be put in front of it")
    if messages[0]["role"] == "system":
        raise RowError(f"prompt {row.id!r} has a system message already")
    return PromptRow(row.id, [{"role": "system", "content": system}, *messages])


def read_prompts(path: Path) -> list[PromptRow]:
    """All rows; raises `RowError` naming file and line of the first that is broken, or an id that is there twice."""
    rows: list[PromptRow] = []
    seen: set[str] = set()
    # bytes and b"\n": str.splitlines would also cut at U+2028 and others, which JSON strings may hold as they are
    for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
        if not line.strip():
            continue
        row = _row(line, f"{path}:{number}")
        if row.id in seen:
            raise RowError(f"{path}:{number}: the id {row.id!r} occurs twice; ids must be unique")
        seen.add(row.id)
        rows.append(row)
    return rows


def finished_prompts(path: Path) -> dict[str, Prompt | None]:
    """Ids in an output file with their prompts; the end of a line that a kill cut off is removed.

    Raises `RowError`, with the file untouched, where it holds anything but completions: it is then some other file.
    """
    if not path.exists():
        return {}
    *whole, tail = path.read_bytes().split(b"\n")
    done = dict(_finished(line, f"{path}:{number}") for number, line in enumerate(whole, 1))
    if tail and _is_json(tail):  # all of it is there but the line end
        done.update([_finished(tail, f"{path}:{len(whole) + 1}")])
        with path.open("ab") as file:
            file.write(b"\n")
    elif tail:
        if not (tail.startswith(_LINE_START) or _LINE_START.startswith(tail)):
            raise RowError(f"{path}:{len(whole) + 1}: {_FOREIGN}")
        with path.open("r+b") as file:
            file.truncate(sum(len(line) + 1 for line in whole))
    return done


def check_prompts(rows: Sequence[PromptRow], done: Mapping[str, Prompt | None], out: Path) -> None:
    """Raise `SettingsError` where the output holds completions of another prompt under the same id."""
    for row in rows:
        if done.get(row.id) not in (None, row.prompt):
            raise SettingsError(
                f"{out} has completions of another prompt under the id {row.id!r}; give another file with -o"
            )


def _finished(line: bytes, where: str) -> tuple[str, Prompt | None]:
    try:
        value = json.loads(line)
    except ValueError as error:
        raise RowError(f"{where}: {_FOREIGN}") from error
    if not isinstance(value, dict) or not {"id", "completions"} <= value.keys():
        raise RowError(f"{where}: {_FOREIGN}")
    return str(value["id"]), value.get("prompt")


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def completion_line(row: PromptRow, completions: Sequence[Completion], prompt_ids: Sequence[int] | None = None) -> str:
    """One line of the output, with its line end; `prompt_ids` are those that the engine sampled after."""
    record = {
        "id": row.id,
        "prompt": row.prompt,
        "prompt_ids": prompt_ids,
        "completions": [completion.to_json() for completion in completions],
    }
    return json.dumps(record, ensure_ascii=False) + "\n"


def _row(line: bytes, where: str) -> PromptRow:
    try:
        value = json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise RowError(f"{where}: not UTF-8: {error}") from error
    except (json.JSONDecodeError, RecursionError) as error:
        raise RowError(f"{where}: not JSON: {error}") from error
    if not isinstance(value, dict) or "id" not in value or "prompt" not in value:
        raise RowError(f'{where}: a row needs "id" and "prompt"')
    prompt = value["prompt"]
    if not _is_prompt(prompt):
        raise RowError(
            f'{where}: "prompt" must be text, a list of token ids, or a list of {{"role", "content"}} messages'
        )
    return PromptRow(str(value["id"]), prompt)


def _is_prompt(prompt: object) -> bool:
    if isinstance(prompt, str):
        return bool(prompt)
    if not isinstance(prompt, list) or not prompt:
        return False
    is_ids = all(isinstance(item, int) and not isinstance(item, bool) and item >= 0 for item in prompt)
    return is_ids or all(_is_message(item) for item in prompt)


def _is_message(item: object) -> bool:
    return isinstance(item, dict) and all(isinstance(item.get(key), str) for key in ("role", "content"))
