"""The first stage: raw rows of all sources into parts; broken rows are set aside beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from or1_data.difficulty.counts import counts_of
from or1_data.errors import ConfigError, SchemaError, SourceError
from or1_data.io.hub import FILES, is_hub_id
from or1_data.io.problems import locate
from or1_data.io.rows import SUFFIXES, Located
from or1_data.run.guard import count
from or1_data.run.parts import Part, file_hash, key_of, part_of, write_part, write_whole
from or1_data.run.recipe import Recipe, SourceSettings
from or1_data.schema import Problem
from or1_data.sources.read import default_name
from or1_data.sources.registry import ADAPTERS, Adapter, detect
from or1_data.templates import messages


def resolve(settings: SourceSettings, root: Path) -> str:
    """The file of a source (absolute, or under `root`), else its hub id.

    Raises:
        SourceError: neither.
    """
    if settings.path.startswith(FILES):
        return settings.path
    path = root / settings.path
    if path.exists():
        return str(path)
    if settings.path.endswith(SUFFIXES) or not is_hub_id(settings.path):
        raise SourceError(f"{path}: no such file, and {settings.path!r} is no hub id; set `root`, or repair the path")
    return settings.path


def source_hash(location: str) -> str:
    """SHA-256 of a file; a hub set is named by its id (give a revision to pin it)."""
    return file_hash(Path(location)) if Path(location).exists() else f"hub:{location}"


def read_sources(
    recipe: Recipe, folder: Path, root: Path, done: Callable[[Part, dict[str, Any], bool], None]
) -> list[Part]:
    """Parts of `chunk_rows` raw rows; a part that exists is not converted again."""
    parts: list[Part] = []
    for settings in recipe.source:
        location = resolve(settings, root)
        stage = key_of("read", 1, settings, source_hash(location), recipe.chunk_rows, recipe.output.template)
        reader = _Reader(recipe, settings, location)
        rows = islice(locate(location), settings.limit or None)
        number = 0
        while chunk := list(islice(rows, recipe.chunk_rows)):
            part = part_of(folder, len(parts), key_of(stage, number))
            resumed = part.done
            if not resumed:
                reader.write(chunk, part)
            else:
                reader.look(chunk)
            done(part, part.counts(), resumed)
            parts.append(part)
            number += 1
    return parts


class _Reader:
    """Converts the rows of one source; the adapter is recognised on its first good row."""

    def __init__(self, recipe: Recipe, settings: SourceSettings, location: str) -> None:
        self.recipe, self.settings = recipe, settings
        self.name = settings.name or default_name(location)
        if settings.adapter != "auto" and settings.adapter not in ADAPTERS:
            raise ConfigError(
                f"source {settings.path}: unknown adapter {settings.adapter!r}; known: auto, {', '.join(ADAPTERS)}"
            )
        self.adapter: Adapter | None = ADAPTERS.get(settings.adapter)

    def look(self, chunk: list[Located]) -> None:
        """Recognise the adapter from rows that are already converted."""
        for _, _, row in chunk:
            if self.adapter is None and not isinstance(row, SchemaError):
                self.adapter = detect(row)

    def write(self, chunk: list[Located], part: Part) -> None:
        """Convert a chunk into a part."""
        bad: list[dict[str, Any]] = []
        problems = list(self._convert(chunk, bad))
        counts = count(problems, "read", self.recipe.select)
        counts["set_aside"] = len(bad)
        counts["max_failures"] = max_failures(problems)
        if bad:
            counts["sources"].setdefault(self.name, {"rows": 0, "flagged": 0})
            counts["sources"][self.name]["rows"] += len(bad)
            counts["sources"][self.name]["flagged"] += len(bad)
            counts["sources"][self.name]["read:broken_row"] = len(bad)
        write_whole(
            part.path.with_suffix(".bad"), (json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in bad)
        )
        write_part(part, problems, counts)

    def _convert(self, chunk: list[Located], bad: list[dict[str, Any]]) -> Iterator[Problem]:
        where = self.settings.where
        for file, line, row in chunk:
            try:
                if isinstance(row, SchemaError):
                    raise row
                if any(row.get(key) not in values for key, values in where.items()):
                    continue
                self.adapter = self.adapter or detect(row)
                yield self._finished(self.adapter.convert(row, self.name))
            except SchemaError as error:
                where_ = Path(file).name
                bad.append(
                    {"source": self.name, "file": where_, "line": line, "key": error.key, "reason": error.problem}
                )

    def _finished(self, problem: Problem) -> Problem:
        """With the output's prompt template, where the recipe names one."""
        template = self.recipe.output.template
        return replace(problem, prompt=messages(problem.statement, template)) if template else problem


def max_failures(problems: list[Problem]) -> dict[str, dict[str, int]]:
    """Ability -> model -> the highest count of failures seen, among rows whose number of attempts is not known."""
    found: dict[str, dict[str, int]] = {}
    for problem in problems:
        known = counts_of(problem)
        for model, failures in (problem.extra_info.get("model_difficulty") or {}).items():
            if model not in known:
                models = found.setdefault(problem.ability, {})
                models[model] = max(models.get(model, 0), int(failures))
    return found
