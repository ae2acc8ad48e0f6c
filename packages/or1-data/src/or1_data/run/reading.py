"""The first stage: raw rows of all sources into parts; broken rows are set aside beside them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from glob import has_magic
from itertools import chain, islice
from pathlib import Path
from typing import Any

from or1_data.difficulty.counts import counts_of
from or1_data.errors import SchemaError, SourceError
from or1_data.io.files import files_of, is_local
from or1_data.io.hub import FILES, is_hub_id
from or1_data.io.located import Located
from or1_data.io.problems import Source, locate
from or1_data.io.rows import SUFFIXES
from or1_data.run.guard import count
from or1_data.run.parts import Part, file_hash, key_of, part_of, write_part, write_whole
from or1_data.run.recipe import Recipe, SourceSettings
from or1_data.schema import Problem
from or1_data.sources.read import RowReader, default_name
from or1_data.templates import messages
from or1_data.text.wrapping import find_wrapping, sample_of, unwrapped


def resolve(settings: SourceSettings, root: Path) -> Source:
    """The files of a source (absolute, or under `root`), else its hub id.

    Raises:
        SourceError: neither.
    """
    if not isinstance(settings.path, str):
        return tuple(_resolved(path, root) for path in settings.path)
    return _resolved(settings.path, root)


def _resolved(text: str, root: Path) -> str:
    if text.startswith(FILES):
        return text
    path = root / text
    if is_local(str(path)):
        return str(path)
    if has_magic(text) or text.endswith(SUFFIXES) or not is_hub_id(text):
        raise SourceError(f"{path}: no such file, and {text!r} is not a hub id; set `root`, or correct the path")
    return text


def source_hash(location: Source) -> str:
    """A hash of the files' bytes; a hub set is named by its id (give a revision to pin it)."""
    if not isinstance(location, str):
        return key_of(*(source_hash(str(one)) for one in ([location] if isinstance(location, Path) else location)))
    if not is_local(location):
        return f"hub:{location}"
    files = files_of(location)
    return file_hash(files[0]) if len(files) == 1 else key_of(*map(file_hash, files))


def read_sources(
    recipe: Recipe, folder: Path, root: Path, done: Callable[[Part, dict[str, Any], bool], None]
) -> list[Part]:
    """Parts of `chunk_rows` raw rows; a part that exists is not converted again."""
    parts: list[Part] = []
    for settings in recipe.source:
        location = resolve(settings, root)
        stage = key_of("read", 3, settings, source_hash(location), recipe.chunk_rows, recipe.output.template)
        rows = islice(locate(location), settings.limit or None)
        first = sample_of(rows, lambda located: len(str(located.row)))
        rows = chain(first, rows)  # type: ignore[assignment]
        reader = _Reader(recipe, settings, location, first)
        number = 0
        while chunk := list(islice(rows, recipe.chunk_rows)):
            part = part_of(folder, len(parts), key_of(stage, number))
            resumed = part.done
            if not resumed:
                reader.write(chunk, part)
            done(part, part.counts(), resumed)
            parts.append(part)
            number += 1
        reader.rows.end()
    return parts


class _Reader:
    """Writes the rows of one source as parts."""

    def __init__(self, recipe: Recipe, settings: SourceSettings, location: Source, first: list[Located]) -> None:
        """`first` are the rows from which the adapter and shared instructions are found."""
        self.recipe = recipe
        self.name = settings.name or default_name(location)
        self.rows = RowReader(self.name, settings.adapter, settings.columns, settings.where)
        statements = []
        for located in first:
            with suppress(SchemaError):
                problem = self.rows.problem(located)
                statements += [problem.statement] if problem else []
        self.wrapping = find_wrapping(statements)

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
        for located in chunk:
            try:
                problem = self.rows.problem(located)
            except SchemaError as error:
                file = Path(located.file).name
                reason = error.problem.encode("utf-8", "replace").decode()
                bad.append(
                    {"source": self.name, "file": file, "line": located.line, "key": error.key, "reason": reason}
                )
            else:
                if problem is not None:
                    yield self._finished(unwrapped(problem, self.wrapping))

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
