"""The program of a Python session: runs the cells that come on standard input, and shows what the last one gives."""

import ast
import io
import json
import os
import random
import sys
import traceback

RESULT_FD = 3
"""Where a test's result goes; says here that all cells have had their turn."""


def run(source: str, names: dict) -> None:  # type: ignore[type-arg]
    """Run a cell; where it ends with an expression, print its value as an interactive interpreter does."""
    tree = ast.parse(source, "<cell>")
    last = tree.body[-1] if tree.body else None
    is_shown = isinstance(last, ast.Expr)
    del tree.body[len(tree.body) - is_shown :]
    exec(compile(tree, "<cell>", "exec", dont_inherit=True), names)
    if isinstance(last, ast.Expr):
        value = eval(compile(ast.Expression(last.value), "<cell>", "eval", dont_inherit=True), names)
        if value is not None:
            print(repr(value))


def tell(error: BaseException) -> None:
    """Print an error with the lines of the cells that it came through."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == "<cell>"]
    places = [f"  line {frame.lineno}, in {frame.name}" for frame in frames[-5:]]
    print("\n".join([*places, "".join(traceback.format_exception_only(error)).rstrip("\n")]))


def main() -> None:
    """All cells in one namespace; errors are told, and the next cell goes on from what was there."""
    given = json.loads(sys.stdin.buffer.read())
    sys.stdin = io.TextIOWrapper(io.BytesIO())
    random.seed(given["seed"])
    names = {"__name__": "__main__", "__builtins__": __builtins__}
    shown = sys.stdout
    for place, source in enumerate(given["cells"]):
        sys.stdout = shown if place == len(given["cells"]) - 1 else io.StringIO()
        try:
            run(source, names)
        except BaseException as error:  # the model's own, whatever it is
            tell(error)
    shown.flush()
    os.write(RESULT_FD, b"done")


main()
