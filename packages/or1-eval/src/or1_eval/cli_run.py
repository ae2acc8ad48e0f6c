"""`or1-eval run`: tasks and a model in, a run folder and a table out."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import warnings
from collections.abc import Callable
from dataclasses import asdict, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from or1_eval.engines import EndpointEngine, FunctionEngine, ReplayEngine
from or1_eval.engines.local import ENGINES, load_local, looks_like_reasoner
from or1_eval.errors import EngineError
from or1_eval.evaluate import evaluate
from or1_eval.progress import Progress
from or1_eval.report import Report
from or1_eval.table import terminal_table
from or1_eval.tasks import builtin_names, load_task
from or1_eval.tasks.problems import with_system
from or1_eval.tool_options import add_tool_options, given_environment
from or1_eval.types import Sampling, Task
from or1_rollout.engines.openai.options import add_endpoint_options, endpoint_settings
from or1_rollout.generate.live_line import LiveLine
from or1_rollout.generate.sampling_options import add_sampling_options, given_sampling

_DESCRIPTION = """\
Draw k samples of every problem, judge them as they come, and report avg@k, pass@k and maj@k with error bars.

TASK is one of
  {names}          built-in tasks
  NAME=FILE        a built-in task with local problems, or a file under a name of your own
  FILE.toml        a task of your own
  FILE.jsonl       (.json, .parquet) problems with answers, or rows of the format of Skywork-OR1-RL-Data
 Every sample is kept in the run folder: after a crash the same command continues.
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
    add_tool_options(parser)
    parser.add_argument("-o", "--run-dir", type=Path, help="run folder (default: eval-runs/MODEL)")
    parser.add_argument("--template", help="one of the tasks' prompt templates (default: each task's own)")
    parser.add_argument("--system", metavar="TEXT", help="the system message, instead of the task's; '' is none")
    parser.add_argument("--limit", type=int, metavar="N", help="only the first N problems of each task")
    parser.add_argument("--window", nargs=2, metavar=("FIRST", "LAST"), help="contest dates of LiveCodeBench problems")
    parser.add_argument("--release", help="LiveCodeBench release, such as release_v5")
    parser.add_argument(
        "--workers", type=int, default=os.cpu_count() or 1, help="samples judged at a time (%(default)s)"
    )
    parser.add_argument("--quiet", action="store_true", help="no progress line")
    parser.add_argument(
        "--dry-run", action="store_true", help="print the resolved settings and the first prompt, and sample nothing"
    )


def _add_engines(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("model (one of)").add_mutually_exclusive_group(required=True)
    group.add_argument(
        "--endpoint",
        action="append",
        metavar="URL",
        help="an OpenAI-compatible server; repeatable: servers of one model",
    )
    group.add_argument("--model", type=Path, metavar="PATH", help="a model folder, loaded here (extra: rollout)")
    group.add_argument("--replay", metavar="FILE", help="stored responses: grade without a model")
    group.add_argument("--function", metavar="MODULE:NAME", help="a Python function from a prompt to a text")
    parser.add_argument("--engine", choices=sorted(ENGINES), default="embedded", help="for --model (%(default)s)")
    parser.add_argument("--served-model", default="", metavar="NAME", help="for --endpoint: which of its models")
    add_endpoint_options(parser)


def _add_sampling(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-k", type=int, metavar="N", help="samples per problem (aime: 32, livecodebench: 4)")
    add_sampling_options(parser, "sampling (default: each task's; aime: 32,768 tokens, temperature 1)")


def run(arguments: argparse.Namespace) -> int:
    """Do it; 1 if samples are missing at the end."""
    tasks = [_task(name, arguments) for name in arguments.tasks]
    if arguments.dry_run:
        for task in tasks:
            printed = asdict(task) | {
                "problems": f"{len(task.problems)} problems",
                "first prompt": task.problems[0].prompt,
            }
            print(json.dumps(printed | {"k": arguments.k or task.k}, indent=2, ensure_ascii=False, default=str))
        return 0
    shown = _Shown()
    line = LiveLine(shown.text, is_shown=not arguments.quiet)
    engine, model = _engine(arguments, line.note)
    run_dir = arguments.run_dir or Path("eval-runs") / re.sub(r"[^\w.-]+", "-", model)
    try:
        with line:
            reports = [_evaluated(task, engine, model, run_dir, arguments, shown, line) for task in tasks]
    finally:
        close = getattr(engine, "close", None)
        if close is not None:
            close()
    print(terminal_table(reports))
    print(f"samples, results.json, results.md and report.html are in {run_dir}")
    return 1 if any(report.num_missing for report in reports) else 0


class _Shown:
    """The latest progress of any task."""

    def __init__(self) -> None:
        self.latest: Progress | None = None

    def update(self, progress: Progress) -> None:
        """Show this from now on."""
        self.latest = progress

    def text(self) -> str:
        """The line."""
        return "waiting for the model" if self.latest is None else str(self.latest)


def _evaluated(
    task: Task, engine: Any, model: str, run_dir: Path, arguments: argparse.Namespace, shown: _Shown, line: LiveLine
) -> Report:
    return evaluate(
        task,
        engine,
        k=arguments.k,
        run_dir=run_dir,
        workers=arguments.workers,
        model=model if isinstance(engine, FunctionEngine) else "",
        expects_thinking=looks_like_reasoner(str(arguments.model or model)),
        on_progress=shown.update,
        on_warning=lambda text: line.note(f"! {task.name}: {text}"),
    )


def _task(name: str, arguments: argparse.Namespace) -> Task:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        window = None if arguments.window is None else (arguments.window[0], arguments.window[1])
        task = load_task(
            name, template=arguments.template, limit=arguments.limit, window=window, release=arguments.release
        )
    for warning in caught:
        print(f"! {task.name}: {warning.message}", file=sys.stderr)
    task = replace(task, sampling=_sampling(task.sampling, arguments))
    return task if arguments.system is None else with_system(task, arguments.system)


def _sampling(sampling: Sampling, arguments: argparse.Namespace) -> Sampling:
    try:
        return replace(sampling, **given_sampling(arguments))
    except ValueError as error:
        raise EngineError(str(error)) from error


def _engine(arguments: argparse.Namespace, on_notice: Callable[[str], None]) -> tuple[Any, str]:
    """The engine and the model's name."""
    if arguments.endpoint:
        try:
            settings = endpoint_settings(arguments, arguments.endpoint, arguments.served_model)
        except ValueError as error:
            raise EngineError(str(error)) from error
        environment, limits = given_environment(arguments)
        engine = EndpointEngine(settings, on_notice=on_notice, environment=environment, limits=limits)
        return engine, engine.model
    if arguments.replay:
        return ReplayEngine(arguments.replay), f"replay-{Path(arguments.replay).stem}"
    if arguments.function:
        return FunctionEngine(named_object(arguments.function)), arguments.function
    local = load_local(arguments.model, arguments.engine, *given_environment(arguments))
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
