"""The READMEs are run: code blocks as written, commands against the real command lines.

Each ```python block of a README runs, all of one file in one interpreter; each ```bash block whose lines call `or1-...`
runs in the same folder, in the order of the page. A ```text block right behind is the expected output, `...` in it
standing for what differs between runs; a comment behind an expression that reads as a value, `f(2)  # 4`, is its value.
A block marked `no-run` (minutes, a GPU, a server) is checked for syntax, its commands for subcommands and flags that
exist. `problems.jsonl` and `answers.jsonl` stand for files of the reader's own.
"""

from __future__ import annotations

import ast
import doctest
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from unittest.mock import patch

import pytest

from or1_data import arithmetic_problems, write_problems

ROOT = Path(__file__).resolve().parents[2]
STUDIES = ROOT / "docs" / "studies"  # written by `or1-trainer study report`, without code
READMES = sorted(
    [
        *ROOT.glob("*.md"),
        *(page for page in ROOT.glob("docs/**/*.md") if STUDIES not in page.parents),
        *ROOT.glob("packages/*/README.md"),
        *ROOT.glob("packages/*/CODE.md"),
    ]
)
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```[ ]*$", re.MULTILINE | re.DOTALL)
COMMANDS = ("or1-data", "or1-eval", "or1-reward", "or1-rollout", "or1-trainer")
CHECKER = doctest.OutputChecker()
LIMIT_S = 120


@dataclass(frozen=True)
class Block:
    """One fenced block and the output that the page shows for it."""

    language: str
    body: str
    line: int
    is_run: bool
    output: str | None


def blocks(text: str) -> list[Block]:
    """The python and shell blocks of a page, in order."""
    fences = list(FENCE.finditer(text))
    found = []
    for index, fence in enumerate(fences):
        language, *flags = fence["info"].split() or [""]
        after = fences[index + 1] if index + 1 < len(fences) else None
        output = None
        if after and after["info"].strip() == "text" and not text[fence.end() : after.start()].strip():
            output = after["body"]
        line = text.count("\n", 0, fence.start()) + 1
        found.append(Block(language, fence["body"], line, "no-run" not in flags, output))
    return [block for block in found if block.language in {"python", "bash", "sh", "console", ""}]


def commands(block: Block) -> Iterator[list[str]]:
    """The `or1-...` command lines of a shell block, split into words; `uv run`, pipes and comments taken off."""
    if block.language == "python":
        return
    for line in block.body.replace("\\\n", " ").splitlines():
        for part in re.split(r"&&|\|(?!\w)|;", line):
            is_whole = part.count("'") % 2 == part.count('"') % 2 == 0  # else it was cut within quotes
            words = shlex.split(part.strip().removeprefix("$ "), comments=True) if is_whole else []
            if words[:2] == ["uv", "run"]:
                words = words[2:]
            if words and words[0] in COMMANDS:
                yield words


def is_shell_to_run(block: Block) -> bool:
    """Whether a shell block is to be executed: it is marked bash, calls our commands and nothing that installs."""
    return block.is_run and block.language == "bash" and any(commands(block)) and "pip install" not in block.body


@cache
def help_text(*command: str) -> str:
    """What `command --help` says; it must exit 0. In this process: pages name a hundred commands."""
    (script,) = entry_points(group="console_scripts", name=command[0])
    argv, environment = [*command, "--help"], {"COLUMNS": "200", "NO_COLOR": "1"}
    said = io.StringIO()
    with patch.object(sys, "argv", argv), patch.dict(os.environ, environment), redirect_stdout(said):  # noqa: SIM117
        with pytest.raises(SystemExit) as ended:
            script.load()()
    assert not ended.value.code, f"{' '.join(command)} --help"
    return said.getvalue()


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command with this environment's scripts first on the PATH and plain, wide output."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "COLUMNS": "200", "NO_COLOR": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT_S)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the files that pages take for the reader's own."""
    write_problems(tmp_path / "problems.jsonl", arithmetic_problems("train", 40, seed=0))
    rows = [{"id": n, "response": f"so \\boxed{{{n}}}", "ground_truth": str(n % 3)} for n in range(4)]
    (tmp_path / "answers.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return tmp_path


def with_values_checked(body: str) -> str:
    """The block with each `expression  # value` line turned into a check that the expression has this value."""
    lines = body.splitlines()
    for statement in ast.parse(body).body:
        line = lines[statement.end_lineno - 1] if statement.end_lineno else ""
        shown = line[statement.end_col_offset or 0 :].strip().removeprefix("#").strip()
        if isinstance(statement, ast.Expr) and is_value(shown) and statement.lineno == statement.end_lineno:
            code = line[: statement.end_col_offset]
            lines[statement.lineno - 1] = (
                f"assert (got := repr({code})) == {shown!r}, f'{{got}} is not the value shown'"
            )
    return "\n".join(lines)


def is_value(comment: str) -> bool:
    """Whether a comment is the repr of a value: a literal, or an object's `<...>`."""
    try:
        ast.literal_eval(comment)
    except (ValueError, SyntaxError):
        return comment.startswith("<") and comment.endswith(">")
    return True


def check_output(block: Block, got: str, where: str) -> None:
    """Compare what a block printed with the ```text block behind it."""
    if block.output is not None:
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        assert CHECKER.check_output(block.output, got, flags), f"{where} shows\n{block.output}\nbut prints\n{got}"


def run_python(parts: list[Block], folder: Path, where: str) -> None:
    """Run the python blocks of a page one after the other in one namespace, their outputs apart."""
    mark = "\x1e"
    source = "\n".join(f"{with_values_checked(part.body)}\nprint({mark!r}, end='', flush=True)" for part in parts)
    (folder / "readme_blocks.py").write_text(source)
    done = run([sys.executable, "readme_blocks.py"], folder)
    assert done.returncode == 0, f"{where}: {done.stderr}"
    for part, got in zip(parts, done.stdout.split(mark), strict=False):
        check_output(part, got, f"{where}:{part.line}")


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_code_blocks_run_and_print_what_the_page_shows(readme: Path, folder: Path) -> None:
    where = str(readme.relative_to(ROOT))
    found = blocks(readme.read_text())
    for block in found:
        if is_shell_to_run(block):
            done = run(["bash", "-euo", "pipefail", "-c", block.body], folder)
            assert done.returncode == 0, f"{where}:{block.line}: {done.stdout}\n{done.stderr}"
            check_output(block, done.stdout, f"{where}:{block.line}")
    python = [block for block in found if block.language == "python"]
    for block in python:
        ast.parse(block.body)
    if runnable := [block for block in python if block.is_run]:
        run_python(runnable, folder, where)


@pytest.mark.parametrize("readme", READMES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_and_flags_exist(readme: Path) -> None:
    unknown = []
    for block in blocks(readme.read_text()):
        for name, *words in commands(block):
            text = help_text(name)
            sub = words[:1] if words and re.fullmatch(r"[a-z]+", words[0]) and not name.startswith(words[0]) else []
            if sub and not re.search(rf"\b{sub[0]}\b", text):
                unknown.append(f"line {block.line}: {name} has no command {sub[0]}")
                continue
            text += help_text(name, *sub) if sub else ""
            flags = [word.split("=")[0] for word in words if re.match(r"--?[a-z]", word)]
            dotted = [flag for flag in flags if "." in flag]  # --section.key: checked by the trainer's own config tests
            unknown += [
                f"line {block.line}: {name} {sub} has no {f}" for f in flags if f not in text and f not in dotted
            ]
    assert not unknown, "\n".join(unknown)


def test_every_package_readme_shows_code_that_is_run() -> None:
    for readme in READMES:
        if readme.parent.parent.name == "packages":
            found = blocks(readme.read_text())
            assert any((block.is_run and block.language == "python") or is_shell_to_run(block) for block in found), (
                readme
            )


def test_a_wrong_page_is_caught(tmp_path: Path) -> None:
    page = "```python\nprint(1 + 1, 'x')\n```\n\n```text\n{} ...\n```\n"
    (right,), (wrong,) = blocks(page.format(2)), blocks(page.format(3))
    run_python([right], tmp_path, "page")
    with pytest.raises(AssertionError, match="but prints"):
        run_python([wrong], tmp_path, "page")
    (value,) = blocks("```python\nlen('ab')  # 3\n```\n")
    with pytest.raises(AssertionError, match="2 is not the value shown"):
        run_python([value], tmp_path, "page")
    (block,) = blocks("```bash\nuv run or1-reward grade a.jsonl -o b.jsonl | or1-eval --k 3 # note\n```\n")
    assert list(commands(block)) == [["or1-reward", "grade", "a.jsonl", "-o", "b.jsonl"], ["or1-eval", "--k", "3"]]
