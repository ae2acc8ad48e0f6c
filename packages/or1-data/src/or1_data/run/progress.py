"""Progress of a stage on stderr: rows, rate, time left, kept share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

Advance = Callable[[int, int], None]
"""Called with the rows that were done, and how many of them have a reason to be dropped."""


@contextmanager
def stage_progress(stage: str, total: int, *, shown: bool) -> Iterator[Advance]:
    """The progress line of a stage; `total` 0 means unknown. Where stderr is no terminal, its last state is printed."""
    columns = (
        TextColumn("{task.description:14}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
        TextColumn("kept {task.fields[kept]}"),
    )
    seen = flagged = 0
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        task = progress.add_task(stage, total=total or None, kept="-")

        def advance(rows: int, more_flagged: int) -> None:
            nonlocal seen, flagged
            seen, flagged = seen + rows, flagged + more_flagged
            kept = f"{100 * (1 - flagged / seen):.1f}%" if seen else "-"
            progress.update(task, advance=rows, kept=kept)

        yield advance
        progress.update(task, total=seen)
