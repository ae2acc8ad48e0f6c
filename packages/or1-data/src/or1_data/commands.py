"""What the commands do."""

from __future__ import annotations

import json
import shutil
import sys
import tomllib
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from or1_data.decontaminate.index import BenchmarkIndex, build_index
from or1_data.decontaminate.stage import annotate_contamination, benchmark_items
from or1_data.errors import ConfigError, SchemaError
from or1_data.io.problems import write_problems
from or1_data.run.output import collect_set_aside, without_evidence
from or1_data.run.pipeline import annotated, run_recipe
from or1_data.run.recipe import Recipe, load_recipe, recipe_from
from or1_data.schema import Problem
from or1_data.select.mixing import mix, split
from or1_data.select.reasons import SelectSettings, reasons
from or1_data.select.rollouts import outcomes, stage_filter
from or1_data.sources.read import read_source
from or1_data.stats import describe, describe_json, faults


def run(options: Namespace) -> int:
    """`or1-data run`."""
    overrides = dict(map(_assignment, options.set))
    for name in ("root", "workers"):
        if getattr(options, name) is not None:
            overrides[name] = getattr(options, name)
    recipe = load_recipe(options.recipe, overrides)
    if options.dry_run:
        print(json.dumps(msgspec.to_builtins(recipe), indent=1))
        return 0
    result = run_recipe(recipe, options.out or Path("runs") / recipe.name)
    print(
        f"{result.kept:,} of {result.rows:,} problems kept, {result.set_aside:,} broken rows set aside: {result.folder}/report.html"  # noqa: E501
    )
    return 0


def stats(options: Namespace) -> int:
    """`or1-data stats`."""
    bad: list[SchemaError] = []
    problems = read_source(options.input, options.source, set_aside=bad.append)
    facts = describe(problems, bad)
    print(json.dumps(facts, indent=1) if options.json else describe_json(facts))
    return 0


def validate(options: Namespace) -> int:
    """`or1-data validate`."""
    count = wrong = 0
    for line in faults(options.input, options.source, "" if options.no_verifier else options.verifier):
        count += line is None
        wrong += line is not None
        if line is not None:
            print(line)
    print(f"{count:,} rows are sound, {wrong:,} are not", file=sys.stderr)
    return 1 if wrong else 0


def select(options: Namespace) -> int:
    """`or1-data select`."""
    settings = _settings(
        SelectSettings,
        {
            "rules": _names(options.rules),
            "model": options.model,
            "min_failures": options.min_failures,
            "min_failures_code": options.min_failures,
            "max_failures": options.max_failures,
            "max_failures_code": options.max_failures,
            "min_votes": options.min_votes,
        },
    )
    problems: Iterator[Problem] = read_source(options.input, options.source, set_aside=_warn)
    if options.rollouts:
        drop = ("always", "never") if options.drop_never else ("always",)
        problems = stage_filter(problems, outcomes(options.rollouts), drop=drop)
    weights = {name: float(value) for name, value in map(_assignment, options.weight)}
    chosen = mix(problems, weights, options.seed)
    output = Path(options.output)
    with _Dropped(output) as dropped:
        rows = (problem for problem in chosen if dropped.passes(problem, settings))
        if options.heldout:
            return _two_files(rows, output, options.heldout, options.seed)
        print(f"{write_problems(output, rows):,} rows -> {output}")
    return 0


def _two_files(rows: Iterator[Problem], output: Path, heldout: float, seed: int) -> int:
    """Train and held-out rows.

    They are told apart by content id, so both are written in one pass over a temporary file.
    """
    everything = output.with_name(f".{output.stem}.all.jsonl")
    try:
        write_problems(everything, rows)
        parts = {"train": 1 - heldout, "heldout": heldout}
        for part, path in (("train", output), ("heldout", output.with_name(f"{output.stem}.heldout{output.suffix}"))):
            chosen = (p for p in read_source(everything, "or1") if split(p.id, parts, seed) == part)
            print(f"{write_problems(path, chosen):,} rows -> {path}")
    finally:
        everything.unlink(missing_ok=True)
    return 0


def stage(options: Namespace) -> int:
    """One stage as a command of its own."""
    if options.command == "decontaminate" and (options.save_index or options.index):
        return _with_index(options)
    recipe = _stage_recipe(options)
    output, work = Path(options.output), Path(f"{options.output}.work")
    keep = getattr(options, "keep", True)
    with annotated(recipe, work, progress=not options.quiet) as (problems, first):
        set_aside = collect_set_aside(first, work)
        _write(problems, output, recipe.select, keep, getattr(options, "review", None))
        if set_aside:
            shutil.copyfile(work / "set_aside.jsonl", f"{output}.set_aside.jsonl")
            print(f"{set_aside:,} broken rows -> {output}.set_aside.jsonl", file=sys.stderr)
    shutil.rmtree(work)
    return 0


def _with_index(options: Namespace) -> int:
    if options.save_index:
        index = build_index(benchmark_items(options.benchmark))
        index.save(options.save_index)
        print(
            f"{len(index.items):,} items of {len({item.benchmark for item in index.items})} benchmarks -> {options.save_index}"  # noqa: E501
        )
        return 0
    problems = read_source(options.input, options.source, set_aside=_warn)
    noted = annotate_contamination(problems, BenchmarkIndex.load(options.index))
    settings = SelectSettings(rules=(), contamination=_names(options.drop))
    _write(noted, Path(options.output), settings, options.keep, options.review)
    return 0


def _stage_recipe(options: Namespace) -> Recipe:
    name = options.command
    data: dict[str, Any] = {
        "name": name,
        "chunk_rows": options.chunk_rows,
        "workers": options.workers,
        "stages": [name],
        "source": [{"path": options.input, "adapter": options.source}],
        "guard": {"max_share": 1.0},
        "select": {"rules": _names(options.drop) if name == "rules" else []},
    }
    if name == "answers":
        data["answers"] = {"verifier": options.verifier}
    elif name == "dedup":
        data["dedup"] = {"threshold": options.threshold, "exact": options.exact, "priority": _names(options.priority)}
        if options.verifier:
            data["answers"] = {"verifier": options.verifier}
    elif name == "decontaminate":
        if not options.benchmark:
            raise ConfigError("give at least one --benchmark FILE, or --index FILE")
        data["decontaminate"] = {"benchmarks": [str(Path(file).absolute()) for file in options.benchmark]}
        data["select"]["contamination"] = _names(options.drop)
    elif name == "difficulty":
        data["difficulty"] = _difficulty(options)
    elif name == "judge":
        data["judge"] = _judge(options)
    return recipe_from(data, "options")


def _difficulty(options: Namespace) -> dict[str, Any]:
    data: dict[str, Any] = {
        "model": options.model,
        "attempts": options.attempts,
        "attempts_code": options.attempts_code,
        "stop": options.stop,
        "verifier": options.verifier,
        "sampler": options.sampler,
    }
    if options.url:
        data["endpoint"] = _endpoint(options, options.url[0], options.model) | {"replicas": options.url[1:]}
    return data


def _judge(options: Namespace) -> dict[str, Any]:
    if len(options.url) != len(options.model):
        raise ConfigError(f"give one --url per --model, got {len(options.url)} and {len(options.model)}")
    endpoints = [_endpoint(options, *pair) for pair in zip(options.url, options.model, strict=True)]
    return {"endpoints": endpoints, "votes": options.votes, "seed": options.seed}


def _endpoint(options: Namespace, url: str, model: str) -> dict[str, Any]:
    return {
        "url": url,
        "model": model,
        "key_env": options.key_env,
        "temperature": options.temperature,
        "max_tokens": options.max_tokens,
        "concurrency": options.concurrency,
        "requests_per_minute": options.rpm,
    }


class _Dropped:
    """Writes rows that a selection drops, with their reasons, beside the output."""

    def __init__(self, output: Path) -> None:
        self.path = output.with_name(f"{output.stem}.dropped.jsonl")
        self.count = 0

    def __enter__(self) -> _Dropped:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._stream = self.path.open("w", encoding="utf-8")
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()
        if self.count:
            print(f"{self.count:,} dropped rows -> {self.path}")
        else:
            self.path.unlink()

    def passes(self, problem: Problem, settings: SelectSettings) -> bool:
        """Whether the row stays; if not, it is written with its reasons."""
        found = reasons(problem, settings)
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


def _write(problems: Iterator[Problem], output: Path, settings: SelectSettings, keep: bool, review: str | None) -> None:
    shown = _reviewed(problems, Path(review)) if review else problems
    if keep:
        print(f"{write_problems(output, shown):,} rows -> {output}")
        return
    with _Dropped(output) as dropped:
        kept = (without_evidence(problem) for problem in shown if dropped.passes(problem, settings))
        print(f"{write_problems(output, kept):,} rows -> {output}")


def _reviewed(problems: Iterator[Problem], path: Path) -> Iterator[Problem]:
    """Writes each overlap as two columns while the rows pass by."""
    with path.open("w", encoding="utf-8") as stream:
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


def _warn(error: SchemaError) -> None:
    print(f"set aside: {error}", file=sys.stderr)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _settings(kind: type[SelectSettings], data: dict[str, Any]) -> SelectSettings:
    try:
        return kind(**data)
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _assignment(text: str) -> tuple[str, Any]:
    """`key=value`, the value as TOML, else as text."""
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise ConfigError(f"expected KEY=VALUE, got {text!r}")
    try:
        return key, tomllib.loads(f"x = {value}")["x"]
    except tomllib.TOMLDecodeError:
        return key, value
