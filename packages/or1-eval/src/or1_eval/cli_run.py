"""`or1-eval run`: tasks and a model in, a run folder and a table out."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import warnings
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from or1_eval.engines import EndpointEngine, EndpointSettings, FunctionEngine, ReplayEngine
from or1_eval.engines.local import ENGINES, load_local, looks_like_reasoner
from or1_eval.errors import EngineError
from or1_eval.evaluate import evaluate
from or1_eval.progress import ProgressLine
from or1_eval.report import Report
from or1_eval.table import terminal_table
from or1_eval.tasks import builtin_names, load_task
from or1_eval.types import Sampling, Task

_DESCRIPTION = """\
Draw k samples of every problem, judge them as they come, and report avg@k, pass@k and maj@k with error bars.

TASK is one of
  {names}          built-in tasks
  NAME=FILE        a built-in task with local problems
  FILE.toml        a task of your own
  FILE.jsonl       (.json, .parquet) problems with answers, or rows of the format of Skywork-OR1-RL-Data
 Every sample is kept in the run folder: after a crash the same command goes on.
"""


def add(commands: Any) -> None:
    """Add the command."""
    parser = commands.add_parser(
        "run",
        help="evaluate a model on tasks",
        description=_DESCRIPTION.format(names=", ".join(builtin_names())),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.set_defaults(command=run)
    parser.add_argument("tasks", nargs="+", metavar="TASK", help="what to evaluate on, see above")
    _add_engines(parser)
    _add_sampling(parser)
    parser.add_argument("-o", "--run-dir", type=Path, help="run folder (default: eval-runs/MODEL)")
    parser.add_argument("--template", help="one of the tasks' prompt templates (default: each task's own)")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N problems of each task")
    parser.add_argument("--window", nargs=2, metavar=("FIRST", "LAST"), help="contest dates of LiveCodeBench problems")
    parser.add_argument("--release", help="LiveCodeBench release, such as release_v5")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="samples judged at a time (%(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    parser.add_argument(
        "--dry-run", action="store_true", help="print the resolved settings and the first prompt, draw nothing"
    )


def _add_engines(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model (one of)").add_mutually_exclusive_group(required=True)
    group.add_argument("--endpoint", metavar="URL", help="an OpenAI-compatible server; needs no torch")
    group.add_argument("--model", type=Path, metavar="PATH", help="a model folder, loaded here (extra: rollout)")
    group.add_argument("--replay", metavar="FILE", help="stored responses: grade without a model")
    group.add_argument("--function", metavar="MODULE:NAME", help="a Python function from a prompt to a text")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="embedded", help="for --model (%(default)s)")
    parser.add_argument("--served-model", default="", metavar="NAME", help="for --endpoint: which of its models")
    parser.add_argument("--api-key-env", default="OPENAI_API_KEY", metavar="VAR", help="where the key is (%(default)s)")
    parser.add_argument("--concurrency", type=int, default=64, metavar="N", help="requests in flight (%(default)s)")
    parser.add_argument("--attempts", type=int, default=0, metavar="N", help="most tries of a request (no limit)")


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group(
        "sampling (default: each task's, which is the report's: 32K tokens, temperature 1)"
    )
    group.add_argument("-k", type=int, metavar="N", help="samples per problem (aime: 32, livecodebench: 4)")
    group.add_argument("--max-new-tokens", type=int, metavar="N")
    group.add_argument("--temperature", type=float)
    group.add_argument("--top-p", type=float)
    group.add_argument("--top-k", type=int)
    group.add_argument("--stop", action="append", metavar="TEXT", help="end a response here; may be repeated")
    group.add_argument("--seed", type=int, help="the run's seed (0)")


def run(arguments: argparse.Namespace) -> int:
    """Do it; 1 if samples are missing at the end."""
    tasks = [_task(name, arguments) for name in arguments.tasks]
    if arguments.dry_run:
        for task in tasks:
            shown = asdict(task) | {
                "problems": f"{len(task.problems)} problems",
                "first prompt": task.problems[0].prompt,
            }
            print(json.dumps(shown | {"k": arguments.k or task.k}, indent=2, ensure_ascii=False, default=str))
        return 0
    engine, model = _engine(arguments)
    run_dir = arguments.run_dir or Path("eval-runs") / re.sub(r"[^\w.-]+", "-", model)
    line = ProgressLine()
    reports: list[Report] = []
    try:
        for task in tasks:
            reports.append(
                evaluate(
                    task,
                    engine,
                    k=arguments.k,
                    run_dir=run_dir,
                    workers=arguments.workers,
                    model=model if isinstance(engine, FunctionEngine) else "",
                    expects_thinking=looks_like_reasoner(str(arguments.model or model)),
                    on_progress=None if arguments.quiet else line,
                    on_warning=lambda text, task=task: line.note(f"! {task.name}: {text}"),  # type: ignore[misc]
                )
            )
    finally:
        line.clear(keep=True)
        close = getattr(engine, "close", None)
        if close is not None:
            close()
    print(terminal_table(reports))
    print(f"samples, results.json, results.md and report.html are in {run_dir}")
    return 1 if any(report.num_missing for report in reports) else 0


def _task(name: str, arguments: argparse.Namespace) -> Task:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        window = None if arguments.window is None else (arguments.window[0], arguments.window[1])
        task = load_task(
            name, template=arguments.template, limit=arguments.limit, window=window, release=arguments.release
        )
    for warning in caught:
        print(f"! {task.name}: {warning.message}", file=sys.stderr)
    return replace(task, sampling=_sampling(task.sampling, arguments))


def _sampling(sampling: Sampling, arguments: argparse.Namespace) -> Sampling:
    names = ("max_new_tokens", "temperature", "top_p", "top_k", "seed")
    given = {name: getattr(arguments, name) for name in names if getattr(arguments, name) is not None}
    if arguments.stop:
        given["stop"] = tuple(arguments.stop)
    try:
        return replace(sampling, **given)
    except ValueError as error:
        raise EngineError(str(error)) from error


def _engine(arguments: argparse.Namespace) -> tuple[Any, str]:
    """The engine and the model's name."""
    if arguments.endpoint:
        engine = EndpointEngine(
            EndpointSettings(
                url=arguments.endpoint,
                model=arguments.served_model,
                api_key=os.environ.get(arguments.api_key_env, ""),
                concurrency=arguments.concurrency,
                attempts=arguments.attempts,
            )
        )
        return engine, engine.model
    if arguments.replay:
        return ReplayEngine(arguments.replay), f"replay-{Path(arguments.replay).stem}"
    if arguments.function:
        return FunctionEngine(named_object(arguments.function)), arguments.function
    local = load_local(arguments.model, arguments.engine)
    return local, str(local.describe()["model"])


def named_object(name: str) -> Any:
    """What MODULE:NAME stands for; modules of the working folder are found too.

    Raises:
        EngineError: no such module or name in it.
    """
    module, _, attribute = name.partition(":")
    if not attribute:
        raise EngineError(f"{name!r} must be MODULE:NAME")
    sys.path.insert(0, str(Path.cwd()))
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise EngineError(f"cannot load {name!r}: {error}") from error
    finally:
        sys.path.remove(str(Path.cwd()))
