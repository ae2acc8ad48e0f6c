"""The stages as commands of their own: options become a recipe of one stage, whose rows are written at once."""

from __future__ import annotations

import shutil
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

from or1_data.decontaminate.index import BenchmarkIndex, build_index
from or1_data.decontaminate.stage import annotate_contamination, benchmark_items
from or1_data.errors import ConfigError, RunError
from or1_data.run.output import collect_set_aside
from or1_data.run.pipeline import annotated
from or1_data.run.recipe import Recipe, recipe_from
from or1_data.select.reasons import SelectSettings
from or1_data.sources.read import read_source
from or1_data.written import columns_of, names, output_path, warn, write_selected


def stage(options: Namespace) -> int:
    """One stage as a command of its own."""
    if options.command == "decontaminate":
        if options.save_index:
            return _save_index(options)
        if not (options.input and options.output):
            raise ConfigError("give the file to clean and -o OUT (or --save-index FILE to write an index only)")
        if options.index:
            return _with_index(options)
    recipe = _stage_recipe(options)
    output, work = output_path(options.output), Path(f"{options.output}.work")
    keep = getattr(options, "keep", True)
    with annotated(recipe, work, progress=not options.quiet) as (problems, first):
        set_aside = collect_set_aside(first, work)
        write_selected(problems, output, recipe.select, keep, getattr(options, "review", None))
        if set_aside:
            shutil.copyfile(work / "set_aside.jsonl", f"{output}.set_aside.jsonl")
            print(f"{set_aside:,} broken rows -> {output}.set_aside.jsonl", file=sys.stderr)
    shutil.rmtree(work)
    return 0


def _save_index(options: Namespace) -> int:
    if not options.benchmark:
        raise ConfigError("--save-index: give at least one --benchmark FILE")
    index = build_index(benchmark_items(options.benchmark))
    try:
        index.save(options.save_index)
    except OSError as error:
        raise RunError(f"{options.save_index}: cannot be written ({error.strerror or error})") from error
    benchmarks = len({item.benchmark for item in index.items})
    print(f"{len(index.items):,} items of {benchmarks} benchmarks -> {options.save_index}")
    return 0


def _with_index(options: Namespace) -> int:
    problems = read_source(options.input, options.source, columns=columns_of(options), set_aside=warn)
    noted = annotate_contamination(problems, BenchmarkIndex.load(options.index))
    settings = SelectSettings(rules=(), contamination=names(options.drop))
    write_selected(noted, output_path(options.output), settings, options.keep, options.review)
    return 0


def _stage_recipe(options: Namespace) -> Recipe:
    name = options.command
    data: dict[str, Any] = {
        "name": name,
        "chunk_rows": options.chunk_rows,
        "workers": options.workers,
        "stages": [name],
        "source": [{"path": tuple(options.input), "adapter": options.source, "columns": columns_of(options)}],
        "guard": {"max_share": 1.0},
        "store": getattr(options, "store", "") or str(output_path(options.output).absolute().parent / "model_calls"),
        "select": {"rules": names(options.drop) if name == "rules" else []},
    }
    if name == "answers":
        data["answers"] = {"verifier": options.verifier}
    elif name == "dedup":
        data["dedup"] = {"threshold": options.threshold, "exact": options.exact, "priority": names(options.priority)}
        if options.verifier:
            data["answers"] = {"verifier": options.verifier}
    elif name == "decontaminate":
        if not options.benchmark:
            raise ConfigError("give at least one --benchmark FILE, or --index FILE")
        data["decontaminate"] = {"benchmarks": [str(Path(file).absolute()) for file in options.benchmark]}
        data["select"]["contamination"] = names(options.drop)
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
        "min_reward": options.min_reward,
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
