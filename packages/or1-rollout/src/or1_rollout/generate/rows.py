"""Prompt rows in, completion rows out; a broken prompt row is named before anything is generated."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from or1_rollout.errors import RowError
from or1_rollout.types import Completion, Prompt


@dataclass(frozen=True, slots=True)
class PromptRow:
    """One line of the input: `{"id": ..., "prompt": ...}`; the prompt is text, chat messages, or token ids."""

    id: str
    prompt: Prompt


def read_prompts(path: Path) -> list[PromptRow]:
    """All rows; raises `RowError` naming file and line of the first that is broken, or an id that is there twice."""
    rows: list[PromptRow] = []
    seen: set[str] = set()
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip():
            continue
        row = _row(line, f"{path}:{number}")
        if row.id in seen:
            raise RowError(f"{path}:{number}: the id {row.id!r} is there twice; ids name the completions")
        seen.add(row.id)
        rows.append(row)
    return rows


def finished_ids(path: Path) -> set[str]:
    """Ids in an output file; a last line that was cut off by a kill is removed from the file."""
    if not path.exists():
        return set()
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        with path.open("r+b") as file:
            file.truncate(len(whole))
    return {str(json.loads(line)["id"]) for line in whole.splitlines()}


def completion_line(row: PromptRow, completions: Sequence[Completion]) -> str:
    """One line of the output, with its line end."""
    record = {"id": row.id, "completions": [asdict(completion) for completion in completions]}
    return json.dumps(record, ensure_ascii=False) + "\n"


def _row(line: str, where: str) -> PromptRow:
    try:
        value = json.loads(line)
    except json.JSONDecodeError as error:
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
    return is_ids or all(isinstance(item, dict) and {"role", "content"} <= item.keys() for item in prompt)
