"""What the commands do that are no stage: run, stats, validate, select."""

from __future__ import annotations

import json
import sys
import tomllib
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from or1_data.errors import ConfigError, SchemaError
from or1_data.io.hub import push
from or1_data.io.problems import write_problems
from or1_data.run.pipeline import run_recipe
from or1_data.run.recipe import load_recipe, recipe_text, shipped_recipes
from or1_data.schema import Problem
from or1_data.select.mixing import mix, split
from or1_data.select.reasons import SelectSettings
from or1_data.select.rollouts import annotate_rollouts, outcomes
from or1_data.sources.read import read_source
from or1_data.stats import describe, describe_json, faults
from or1_data.written import Dropped, columns_of, names, output_path, warn


def run(options: Namespace) -> int:
    """`or1-data run`."""
    overrides = dict(map(_assignment, options.set))
    for name in ("root", "workers", "engine"):
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
    if options.push:
        print(push(result.folder, result.files, options.push))
    return 0


def recipes(options: Namespace) -> int:
    """`or1-data recipes`."""
    if options.name not in ("", *shipped_recipes()):
        raise ConfigError(f"no recipe {options.name!r}; shipped: {', '.join(shipped_recipes())}")
    for name in shipped_recipes():
        text = recipe_text(name)
        if options.name in ("", name):
            about = " ".join(line.lstrip("# ") for line in text.split("name =")[0].splitlines())
            print(text if options.name else f"{name:22} {about}")
    return 0


def stats(options: Namespace) -> int:
    """`or1-data stats`."""
    bad: list[SchemaError] = []
    problems = read_source(options.input, options.source, columns=columns_of(options), set_aside=bad.append)
    facts = describe(problems, bad)
    print(json.dumps(facts, indent=1) if options.json else describe_json(facts))
    return 0


def validate(options: Namespace) -> int:
    """`or1-data validate`."""
    count = wrong = 0
    for line in faults(
        options.input, options.source, columns_of(options), "" if options.no_verifier else options.verifier
    ):
        count += line is None
        wrong += line is not None
        if line is not None:
            print(line)
    print(f"{count:,} rows are valid, {wrong:,} are not", file=sys.stderr)
    return 1 if wrong else 0


def select(options: Namespace) -> int:
    """`or1-data select`."""
    settings = _settings(
        SelectSettings,
        {
            "rules": names(options.rules),
            "model": options.model,
            "always_solved": not options.keep_always_solved,
            "never_solved": not options.keep_never_solved,
            "min_failure_share": options.min_failure_share,
            "max_failure_share": options.max_failure_share,
            "max_response_tokens": options.max_response_tokens,
            "min_votes": options.min_votes,
            "rollouts": ("always_solved", "never_solved") if options.drop_never else ("always_solved",),
        },
    )
    problems: Iterator[Problem] = read_source(
        options.input, options.source, columns=columns_of(options), set_aside=warn
    )
    if options.rollouts:
        problems = annotate_rollouts(problems, outcomes(options.rollouts, min_reward=options.min_reward))
    weights = {name: float(value) for name, value in map(_assignment, options.weight)}

    def thinned(problem: Problem) -> list[str]:
        return [] if list(mix([problem], weights, options.seed)) else ["mix:thinned"]

    output = output_path(options.output)
    with Dropped(output) as dropped:
        rows = (problem for problem in problems if dropped.passes(problem, settings, thinned))
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
