"""Commands of the five packages: pinned names, `--help` that teaches, `--version`, exit code 2 for wrong usage."""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest

PINNED = {
    "or1-data": {"run", "recipes", "stats", "validate", "dedup", "decontaminate", "difficulty", "judge", "select"}
    | {"rules", "answers"},  # each stage of the data pipeline is a command
    "or1-eval": {"run", "regrade", "compare", "view", "export"},
    "or1-reward": {"grade", "doctor", "serve"},
    "or1-rollout": {"generate"},
    "or1-trainer": {
        "train",
        "resume",
        "report",
        "export",
        "filter-rollouts",
        "import-gguf",
        "warm-start",
        "plan",
        "rehearse",
        "replay",
        "doctor",
        "study",
        "diff",
        "watch",
    },
}
"""Every command name that is agreed; a package shows no other."""

BUILT = {
    "or1-data": PINNED["or1-data"],
    "or1-eval": PINNED["or1-eval"],
    "or1-reward": {"grade"},
    "or1-rollout": {"generate"},
    "or1-trainer": {"train", "resume", "report", "export"},
}
"""The ones that exist and must go on existing."""


@cache
def said(*command: str) -> tuple[int, str, str]:
    """(exit code, stdout, stderr) of a command of this environment."""
    script = str(Path(sys.executable).parent / command[0])
    done = subprocess.run([script, *command[1:]], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout, done.stderr


def commands(name: str) -> set[str]:
    """The commands that `name --help` lists, one a line, or in the braces of its usage line."""
    text = said(name, "--help")[1]
    usage = text.split("\n\n")[0]
    braces = [words.split(",") for words in re.findall(r"\{([a-z,]+)\}", usage)]
    return {word for words in braces for word in words} | set(
        re.findall(r"^ {2,6}([a-z]+)(?= {2,}\S|$)", text, re.MULTILINE)
    )


@pytest.mark.parametrize("name", PINNED)
def test_commands_are_the_pinned_ones(name: str) -> None:
    code, text, error = said(name, "--help")
    assert code == 0, error
    assert name in text
    assert BUILT[name] <= commands(name) <= PINNED[name]


@pytest.mark.parametrize(("name", "command"), [(name, command) for name in BUILT for command in sorted(BUILT[name])])
def test_each_command_teaches(name: str, command: str) -> None:
    code, text, error = said(name, command, "--help")
    assert code == 0, error
    assert len(text.splitlines()) > 5


@pytest.mark.parametrize("name", PINNED)
def test_version_is_that_of_the_distribution(name: str) -> None:
    assert said(name, "--version") == (0, f"{name} {version(name)}\n", "")


@pytest.mark.parametrize("name", PINNED)
def test_an_unknown_command_is_named_and_exits_2(name: str) -> None:
    code, _, error = said(name, "no-such-command")
    assert code == 2
    assert "no-such-command" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("name", PINNED)
def test_an_unknown_flag_exits_2(name: str) -> None:
    code, _, error = said(name, "--no-such-flag", "3")
    assert code == 2
    assert error.startswith(("usage:", f"{name}:"))
