"""Which lines that only CUDA reaches a rehearsal has executed."""

import ast
import sys
from contextlib import contextmanager
from pathlib import Path

import or1_trainer

SOURCE = Path(or1_trainer.__file__).parent
WHOLE = ("policy/optimizer/distributed.py",)
"""Files that are for CUDA altogether."""
FUNCTIONS = {"policy/attention.py": ("varlen_attention", "_Gather"), "policy/attention_layout.py": ("_key_rows",)}


def only_on_cuda():
    """(file, line) of every statement in `WHOLE` and `FUNCTIONS`, and of every branch whose condition says CUDA."""
    found = set()
    for path in sorted(SOURCE.rglob("*.py")):
        name = str(path.relative_to(SOURCE))
        if name.split("/", maxsplit=1)[0] in ("commands", "doctor", "rehearse", "study"):
            continue  # not part of a run
        for node in ast.walk(ast.parse(path.read_text())):
            is_named = getattr(node, "name", None) in FUNCTIONS.get(name, ())
            is_branch = (
                isinstance(node, ast.If) and "cuda" in ast.unparse(node.test) and "!= " not in ast.unparse(node.test)
            )
            if is_named or is_branch or (name in WHOLE and isinstance(node, (ast.FunctionDef, ast.ClassDef))):
                found |= {(name, line) for inner in node.body for line in statements(inner)}
    return found


def statements(node):
    """Lines at which statements begin, without docstrings and definitions."""
    for inner in ast.walk(node):
        is_text = isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
        if isinstance(inner, ast.stmt) and not is_text and not isinstance(inner, (ast.FunctionDef, ast.ClassDef)):
            yield inner.lineno


@contextmanager
def executed(files):
    """A set that fills with (file, line) of these files of the package."""
    lines = set()

    def trace(frame, event, argument):
        name = frame.f_code.co_filename.removeprefix(f"{SOURCE}/")
        if name not in files:
            return None
        if event == "line":
            lines.add((name, frame.f_lineno))
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lines
    finally:
        sys.settrace(before)


def function_at(name, line):
    """The innermost function around a line."""
    nodes = ast.walk(ast.parse((SOURCE / name).read_text()))
    around = [n for n in nodes if isinstance(n, ast.FunctionDef) and n.lineno <= line <= n.end_lineno]
    return max(around, key=lambda node: node.lineno).name
