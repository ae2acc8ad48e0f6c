"""A task by its name, by a TOML file, or by a problem file."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from or1_eval.errors import TaskError
from or1_eval.tasks.choices import choice_problem
from or1_eval.tasks.functions import function_problem
from or1_eval.tasks.problems import problem_from_row
from or1_eval.tasks.rows import SUFFIXES, Row, hub_rows, read_rows
from or1_eval.tasks.spec import AS_GIVEN, TaskSpec, builtin_names, builtin_spec, read_spec
from or1_eval.types import Problem, Task
from or1_reward import GroundTruthError, parse_ground_truth
from or1_reward.ground_truth import MathTruth

BARE_TEMPLATES = {
    "step-by-step": "{problem} Let's think step by step and output the final answer within \\boxed{}.",
    "boxed": "{problem}\n\nPut your final answer within \\boxed{}.",
}
"""What `--template` offers for a bare problem file, which is asked as it is given unless one is named."""


def load_task(
    name: str | Path,
    *,
    file: str | Path | None = None,
    template: str | None = None,
    limit: int | None = None,
    window: tuple[str, str] | None = None,
    release: str | None = None,
) -> Task:
    """Load a task with its problems.

    Args:
        name: a built-in task (`aime24`, ...), a task's TOML file, or a problem file; `NAME=FILE` is name with file.
        file: problems from here instead of from the hub.
        template: one of the task's templates, instead of its default.
        limit: only the first so many problems.
        window: first and last contest date (LiveCodeBench).
        release: which release of LiveCodeBench the window is cut from.

    Raises:
        TaskError: says what is wrong with the task, the file or the row.
    """
    name = str(name)
    if limit is not None and limit < 1:
        raise TaskError(f"limit must be at least 1, not {limit}")
    if file is None and "=" in name and not Path(name).exists():
        name, _, file = name.partition("=")
    spec = _spec(name, file)
    chosen = template or spec.template
    if chosen != AS_GIVEN and chosen not in spec.templates:
        known = ", ".join(repr(known) for known in (*spec.templates, AS_GIVEN))
        raise TaskError(f"task {spec.name!r} has no template {chosen!r}; it has {known}")
    if window is not None:
        spec = replace(spec, window=replace(spec.window, start=window[0], end=window[1]))
    if release is not None:
        spec = replace(spec, window=replace(spec.window, release=release))
    return _load(spec, chosen, Path(file) if file else None, limit)


def _problem(row: Row, position: int, spec: TaskSpec, template: str) -> Problem:
    if spec.kind == "functions":
        return function_problem(row, position, spec, template)
    if spec.kind == "choices":
        return choice_problem(row, position, spec, template)
    return problem_from_row(row, position, spec, template)


def task_from_rows(spec: TaskSpec, rows: Iterable[Row], *, template: str | None = None, source: str = "") -> Task:
    """A task of a spec and rows that are already there."""
    chosen = template or spec.template
    problems = [_problem(row, position, spec, chosen) for position, row in enumerate(rows)]
    return _task(spec, chosen, problems, source)


def _spec(name: str, file: str | Path | None = None) -> TaskSpec:
    """The task's specification; a name of one's own with a file is that file under that name."""
    path = Path(name)
    if path.suffix == ".toml":
        if not path.is_file():
            raise TaskError(f"no task file {path}")
        return read_spec(path)
    if path.suffix in SUFFIXES:
        return _bare(path.stem, file=str(path))
    if file is not None and name and name not in builtin_names():
        return _bare(name, file=str(file))
    return builtin_spec(name)


def _bare(name: str, *, file: str) -> TaskSpec:
    """The specification of a bare problem file: asked as given, with the usual template at hand."""
    return TaskSpec(name=name, file=file, templates=BARE_TEMPLATES)


def _load(spec: TaskSpec, template: str, file: Path | None, limit: int | None) -> Task:
    file = file or (Path(spec.file) if spec.file else None)
    if file is None and spec.hub is None:
        raise TaskError(f"task {spec.name!r} names neither a file nor a hub set; give one: {spec.name}=FILE")
    source = str(file) if file is not None else f"hub:{spec.hub.id}" if spec.hub is not None else ""
    if spec.kind == "livecodebench":
        from or1_eval.tasks.livecodebench import livecodebench_problems

        problems, counted = livecodebench_problems(spec, template, file)
        source += counted
    else:
        rows = read_rows(file) if file is not None else hub_rows(spec.hub) if spec.hub is not None else iter(())
        problems = [_problem(row, position, spec, template) for position, row in enumerate(rows)]
    if not problems:
        raise TaskError(f"task {spec.name!r}: no problems in {source}")
    _check_known(spec, problems)
    return _task(spec, template, problems if limit is None else problems[:limit], source)


def _task(spec: TaskSpec, template: str, problems: list[Problem], source: str) -> Task:
    try:
        return Task(
            name=spec.name,
            problems=tuple(problems),
            sampling=spec.sampling,
            k=spec.k,
            template=template,
            source=source,
            votes=spec.votes and spec.kind in ("answers", "choices"),
        )
    except ValueError as error:
        raise TaskError(str(error)) from error


def answers_sha256(problems: Iterable[Problem]) -> str:
    """A fingerprint of a benchmark's answers, whatever ids, order, zeros in front, degree signs and boxes."""
    answers = []
    for problem in problems:
        truth = parse_ground_truth(problem.ground_truth, row=problem.id)
        text = truth.alternatives[0] if isinstance(truth, MathTruth) else repr(truth)
        bare = text.removeprefix(r"\boxed{").removesuffix("}") if text.startswith(r"\boxed{") else text
        answers.append(bare.replace(r"^\circ", "").replace(",", "").strip().lstrip("0") or "0")
    return hashlib.sha256("\n".join(sorted(answers)).encode()).hexdigest()


def _check_known(spec: TaskSpec, problems: list[Problem]) -> None:
    """Warn where a file is not the version of the benchmark that is known under this name."""
    expected = spec.expected
    if expected.num_problems and len(problems) != expected.num_problems:
        warnings.warn(
            f"{spec.name} has {expected.num_problems} problems, this source has {len(problems)}", stacklevel=4
        )
    try:
        differs = expected.answers_sha256 and answers_sha256(problems) != expected.answers_sha256
    except GroundTruthError as error:
        raise TaskError(f"task {spec.name!r}: {error}") from error
    if differs:
        warnings.warn(f"the answers in this source are not those known as {spec.name}: another version?", stacklevel=4)
