"""What a stage's result depends on: its settings, the code behind it, and, for some, other files.

Parts are named by this hash; a part whose name is still the same is done and is not made again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec

from or1_data.run.parts import file_hash, key_of
from or1_data.run.recipe import Recipe

_PACKAGE: Final = Path(__file__).resolve().parents[1]
_CODE: Final[Mapping[str, tuple[str, ...]]] = {
    "rules": ("rules", "text"),
    "answers": ("answers.py", "verifying.py"),
    "dedup": ("dedup", "text"),
    "decontaminate": ("decontaminate", "text"),
    "difficulty": ("difficulty", "calls"),
    "judge": ("judge", "calls"),
}
_OPERATION: Final = frozenset(
    {"url", "replicas", "key_env", "timeout_s", "retries", "concurrency", "requests_per_minute"}
)
"""Where servers are and how they are spoken to: a run may go on with other servers."""


def fingerprint_of(stage: str, recipe: Recipe, benchmarks: Sequence[str]) -> str:
    """16 hex digits over everything but the rows."""
    return key_of(stage, _settings(stage, recipe, benchmarks), _code_hash(stage))


def _settings(stage: str, recipe: Recipe, benchmarks: Sequence[str]) -> Any:
    """What matters in the recipe: the stage's own table, and how its findings are counted."""
    settings = [_without_operation(msgspec.to_builtins(getattr(recipe, stage)))]
    if stage == "decontaminate":
        settings.append([file_hash(Path(file)) for file in benchmarks])
    if stage == "dedup":
        settings.append(recipe.answers.verifier if recipe.answers else "")
    return [*settings, recipe.seed if stage in ("difficulty", "judge") else 0]


def _without_operation(settings: Any) -> Any:
    if isinstance(settings, dict):
        return {key: _without_operation(value) for key, value in settings.items() if key not in _OPERATION}
    return [_without_operation(value) for value in settings] if isinstance(settings, list | tuple) else settings


@cache
def _code_hash(stage: str) -> str:
    files = [file for name in _CODE[stage] for file in sorted(_files(_PACKAGE / name))]
    shared = [_PACKAGE / "schema.py", _PACKAGE / "templates.py", _PACKAGE / "ground_truth.py"]
    return key_of([file_hash(file) for file in (*files, *shared)])


def _files(path: Path) -> list[Path]:
    return [path] if path.is_file() else [file for file in path.rglob("*") if file.suffix in (".py", ".txt")]
