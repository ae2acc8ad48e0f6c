"""What the commands write: the rows that stay, and beside them those that go, with their reasons."""

from __future__ import annotations

import json
import sys
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from or1_data.errors import ConfigError, RunError, SchemaError
from or1_data.io.problems import ENDINGS, write_problems
from or1_data.run.output import without_evidence
from or1_data.schema import Problem
from or1_data.select.reasons import SelectSettings, reasons


def output_path(text: str) -> Path:
    """The file to write, checked before any work is done.

    Raises:
        ConfigError: an ending that cannot be written.
    """
    path = Path(text)
    if path.suffix not in ENDINGS:
        raise ConfigError(f"-o {text}: can write {' and '.join(ENDINGS)} only")
    return path


def names(text: str) -> tuple[str, ...]:
    """The names in a comma-separated option."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def columns_of(options: Namespace) -> dict[str, Any]:
    """`--columns problem=question,answer=gold` as a mapping; `keep` may be given several times."""
    found: dict[str, Any] = {}
    for pair in names(options.columns):
        key, sign, column = pair.partition("=")
        if not sign:
            raise ConfigError(f"--columns: expected name=column, got {pair!r}")
        if key == "keep":
            found.setdefault("keep", []).append(column)
        else:
            found[key] = column
    return found


@contextmanager
def opened(path: Path) -> Iterator[IO[str]]:
    """A file to write, beside the output.

    Raises:
        RunError: it cannot be written; the message names this file.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8") as stream:
            yield stream
    except OSError as error:
        raise RunError(
            f"{path}: cannot be written ({error.strerror or error}); name another, or free some space"
        ) from error


class Dropped:
    """Writes rows that a selection drops, with their reasons, beside the output."""

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(f"{output.stem}.dropped.jsonl")
        self.count = 0

    def __enter__(self) -> Dropped:
        self._opened = opened(self.path)
        self._stream = self._opened.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self._opened.__exit__(*exc)
        if self.count:
            print(f"{self.count:,} dropped rows -> {self.path}")
        else:
            self.path.unlink()

    def passes(
        self, problem: Problem, settings: SelectSettings, further: Callable[[Problem], list[str]] = lambda _: []
    ) -> bool:
        """Whether the row stays; if not, it is written with its reasons, or those of `further` where it has none."""
        found = reasons(problem, settings) or further(problem)
        if found:
            row = {
                "id": problem.id,
                "data_source": problem.data_source,
                "reasons": found,
                "statement": problem.statement,
            }
            self._stream.write(json.dumps({**row, "notes": dict(problem.notes)}, ensure_ascii=False) + "\n")
            self.count += 1
        return not found


def write_selected(
    problems: Iterator[Problem], output: Path, settings: SelectSettings, keep: bool, review: str | None
) -> None:
    """Write the rows that stay (all of them with `keep`), the others beside them, and overlaps for a reader."""
    shown = _reviewed(problems, Path(review)) if review else problems
    if keep:
        print(f"{write_problems(output, shown):,} rows -> {output}")
        return
    with Dropped(output) as dropped:
        kept = (without_evidence(problem) for problem in shown if dropped.passes(problem, settings))
        print(f"{write_problems(output, kept):,} rows -> {output}")


def _reviewed(problems: Iterator[Problem], path: Path) -> Iterator[Problem]:
    """Writes each overlap as two columns while the rows pass by."""
    with opened(path) as stream:
        stream.write("# Overlaps with benchmark items\n")
        for problem in problems:
            note = problem.notes.get("decontaminate")
            if note:
                texts = (" ".join(note["evidence"][side].split()).replace("|", "\\|") for side in ("row", "item"))
                stream.write(
                    f"\n**{note['class']}** {note['score']} {note['benchmark']} {note['item']} `{note['scores']}`\n\n"
                )
                stream.write("| row | benchmark |\n|---|---|\n| " + " | ".join(texts) + " |\n")
            yield problem


def warn(error: SchemaError) -> None:
    """Say on stderr what is set aside."""
    print(f"set aside: {error}", file=sys.stderr)
