"""A recipe from its sources to its files: read, annotate stage by stage, select once, write, report."""

from __future__ import annotations

import fcntl
import platform
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from or1_data.errors import RunError, SourceError
from or1_data.report.write import write_card, write_report
from or1_data.run.benchmarks import benchmark_files
from or1_data.run.duplicates import run_duplicates
from or1_data.run.engines import Engine, open_engine
from or1_data.run.fingerprint import fingerprint_of
from or1_data.run.guard import add, guard
from or1_data.run.model_stages import CALLING, run_calls
from or1_data.run.output import collect_set_aside, remove_files_of_earlier_run, select, write_json
from or1_data.run.parts import Part, file_hash, key_of, part_of, read_parts, remove_stale
from or1_data.run.progress import stage_progress
from or1_data.run.reading import read_sources, resolve, source_hash
from or1_data.run.recipe import STAGES, Recipe
from or1_data.run.scale import Scale, find_scale
from or1_data.run.summary import Summary
from or1_data.run.work import StageSpec, run_parts
from or1_data.schema import Problem
from or1_data.verifying import load_verifier


@dataclass(frozen=True, slots=True)
class RunResult:
    """Where the output is, and what was counted."""

    folder: Path
    files: Mapping[str, int]
    rows: int
    kept: int
    set_aside: int


def run_recipe(recipe: Recipe, out: str | Path, *, progress: bool = True) -> RunResult:
    """Run a recipe into the folder `out`; running it again does only what is missing.

    Raises:
        DataError: with what, where and what to do; what was done stays.
    """
    with _opened(recipe, Path(out), progress) as run:
        first, last = run.annotate()
        scale = find_scale((part.counts() for part in first), recipe.scale) if recipe.scale else {}
        return run.finish(first, last, scale)


@contextmanager
def annotated(
    recipe: Recipe, folder: str | Path, *, progress: bool = True
) -> Iterator[tuple[Iterator[Problem], list[Part]]]:
    """All rows of a recipe with the notes of its stages, nothing selected, and the parts of the reading stage.

    `folder` keeps what is done, so that a killed call goes on where it was.
    """
    with _opened(recipe, Path(folder), progress) as run:
        first, last = run.annotate()
        yield read_parts(last), first


@contextmanager
def _opened(recipe: Recipe, out: Path, progress: bool) -> Iterator[_Run]:
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"{out}: the folder cannot be made ({error.strerror})") from error
    with _locked(out):
        write_json(out / "config.json", msgspec.to_builtins(recipe))
        with open_engine(recipe.engine, recipe.workers) as engine:
            yield _Run(recipe, out, engine, progress)


def stages_of(recipe: Recipe) -> list[str]:
    """The stages that this recipe runs, in order."""
    given = {
        "answers": recipe.answers,
        "decontaminate": recipe.decontaminate,
        "difficulty": recipe.difficulty,
        "judge": recipe.judge,
    }
    return [stage for stage in STAGES if stage in recipe.stages and given.get(stage, True) is not None]


class _Run:
    """One run while it is made."""

    def __init__(self, recipe: Recipe, out: Path, engine: Engine, progress: bool) -> None:
        self.recipe, self.progress = recipe, progress
        self.given, self.out, self.root = out, out.absolute(), Path(recipe.root).absolute()
        self.engine = engine
        self.benchmarks = tuple(benchmark_files(recipe, self.root))
        self.funnel: dict[str, dict[str, Counter[str]]] = {}
        self.seconds: dict[str, float] = {}

    def annotate(self) -> tuple[list[Part], list[Part]]:
        """The parts of the first and of the last stage; a verifier that is not installed is found out at once."""
        for settings in (self.recipe.answers, self.recipe.difficulty):
            if settings is not None:
                load_verifier(settings.verifier)
        first = last = self.read()
        for stage in stages_of(self.recipe):
            last = self.stage(stage, last)
        return first, last

    def read(self) -> list[Part]:
        folder = self._folder(0, "read")
        with self._counting("read") as done:
            parts = read_sources(self.recipe, folder, self.root, done)
        remove_stale(folder, [*parts, *(Part(part.path.with_suffix(".bad"), part.key) for part in parts)])
        if not sum(part.counts()["rows"] for part in parts):
            broken = collect_set_aside(parts, self.out)
            raise SourceError(
                f"the sources gave no rows, and {broken:,} broken ones, which {self.given}/set_aside.jsonl names; "
                "check paths and `where`"
            )
        return parts

    def stage(self, name: str, sources: Sequence[Part]) -> list[Part]:
        folder = self._folder(STAGES.index(name) + 1, name)
        fingerprint = fingerprint_of(name, self.recipe, self.benchmarks)
        total = sum(part.counts()["rows"] for part in sources)
        with self._counting(name, total) as done:
            if name == "dedup":
                targets = run_duplicates(self.engine, self.recipe, sources, folder, fingerprint, done)
            elif name in CALLING:
                store = Path(self.recipe.store or self.out.parent / "model_calls").absolute()
                targets = run_calls(self.engine, name, self.recipe, sources, folder, fingerprint, store, done)
            else:
                spec = StageSpec(name, self.recipe, self.benchmarks)
                targets = [part_of(folder, i, key_of(fingerprint, source.key)) for i, source in enumerate(sources)]
                run_parts(self.engine, spec, list(zip(sources, targets, strict=True)), done)
        remove_stale(folder, targets)
        return targets

    def finish(self, first: Sequence[Part], last: Sequence[Part], scale: Scale) -> RunResult:
        summary = Summary(self.recipe.output.report_rows)
        files = select(self.recipe, last, scale, self.out, summary)
        summary.show_what_stays(read_parts(last))
        set_aside = collect_set_aside(first, self.out)
        manifest = self._manifest(summary, files, scale, set_aside)
        remove_files_of_earlier_run(self.out, files)
        write_json(self.out / "manifest.json", manifest)
        write_report(self.out, manifest, summary)
        write_card(self.out, manifest, summary)
        return RunResult(self.given, files, summary.rows.total(), summary.kept.total(), set_aside)

    @contextmanager
    def _counting(self, name: str, total: int = 0) -> Iterator[Callable[[Part, dict[str, Any], bool], None]]:
        """Adds up a stage's counts, shows progress, and calls the guard at the end."""
        counts: list[dict[str, Any]] = []
        begun_s = time.monotonic()
        with stage_progress(name, total, shown=self.progress) as advance:

            def done(part: Part, made: dict[str, Any], resumed: bool) -> None:
                counts.append(made)
                advance(made["rows"], sum(s.get("flagged", 0) for s in made["sources"].values()))

            yield done
        self.seconds[name] = round(time.monotonic() - begun_s, 1)
        self.funnel[name] = add(counts)
        guard(name, self.funnel[name], self.recipe.guard)

    def _folder(self, number: int, name: str) -> Path:
        folder = self.out / "stages" / f"{number:02d}-{name}"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _manifest(self, summary: Summary, files: Mapping[str, int], scale: Scale, set_aside: int) -> dict[str, Any]:
        names = [str(source.path) for source in self.recipe.source]
        locations = [resolve(source, self.root) for source in self.recipe.source]
        return {
            "recipe": self.recipe.name,
            "versions": {
                "python": platform.python_version(),
                **{name: version(name) for name in ("or1-data", "numpy", "pyarrow", "msgspec")},
            },
            "config": msgspec.to_builtins(self.recipe),
            "config_hash": key_of(msgspec.to_builtins(self.recipe)),
            "sources": {name: source_hash(location) for name, location in zip(names, locations, strict=True)},
            "benchmarks": {Path(file).name: file_hash(Path(file)) for file in self.benchmarks},
            "files": {name: {"rows": rows, "sha256": file_hash(self.out / name)} for name, rows in files.items()},
            "difficulty_scale": scale,
            "set_aside": set_aside,
            "stages": {
                stage: {s: dict(c) for s, c in sorted(sources.items())} for stage, sources in self.funnel.items()
            },
            "counts": summary.counts(),
            "seconds": self.seconds,
        }


@contextmanager
def _locked(out: Path) -> Iterator[None]:
    """One run at a time in a folder; the lock goes with the process, however it ends."""
    with (out / ".lock").open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(f"{out}: another run works in this folder; wait for it, or choose another --out") from error
        yield
