"""Tasks as data: the built-in ones, TOML files, problem files."""

from or1_eval.tasks.load import load_task, task_from_rows
from or1_eval.tasks.spec import TaskSpec, builtin_names, read_spec

__all__ = ["TaskSpec", "builtin_names", "load_task", "read_spec", "task_from_rows"]
