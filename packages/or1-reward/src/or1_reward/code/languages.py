"""The programming languages that programs are judged in, as data: tags of fences, how to compile, how to run.

Python runs in the warm template. Every other language is a compiler on the host and a command line: adding one means
adding an entry here.
"""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Language:
    """A language: `compile_command` makes `program` of `source` in the working folder; empty for Python."""

    name: str
    tags: tuple[str, ...]
    line_comment: str
    source: str = ""
    compile_command: tuple[str, ...] = ()

    @property
    def is_compiled(self) -> bool:
        """Whether programs are compiled on the host's compiler before they run."""
        return bool(self.compile_command)

    def compiler(self) -> str | None:
        """Path of the compiler on this host, None where there is none."""
        return shutil.which(self.compile_command[0]) if self.compile_command else None


PYTHON: Final = Language(
    "python", ("python", "py", "python3", "python2", "py3", "py2", "pypy", "pypy3", "ipython", "python-repl"), "#"
)
CPP: Final = Language(
    "cpp",
    ("cpp", "c++", "cc", "cxx", "c++11", "c++14", "c++17", "c++20", "cpp11", "cpp14", "cpp17", "cpp20", "g++"),
    "//",
    "program.cpp",
    ("g++", "-x", "c++", "-std=c++20", "-O2", "-pipe", "-w", "-static", "-s", "-o", "program", "program.cpp"),
)
LANGUAGES: Final = (PYTHON, CPP)
NAMES: Final = tuple(language.name for language in LANGUAGES)


def languages() -> dict[str, str]:
    """Language -> its compiler or interpreter on this host; without those whose compiler is missing."""
    found = {known.name: known.compiler() if known.is_compiled else sys.executable for known in LANGUAGES}
    return {name: path for name, path in found.items() if path}


def language_of_tag(tag: str) -> Language | None:
    """The language of a fence's tag (`python`, `{.python .numberLines}`, `Python 3.11`, `cpp`), if it is known."""
    word = tag.lstrip("{. ").replace("}", " ").split(None, 1)[:1]
    name = word[0].lower().rstrip(":,") if word else ""
    for language in LANGUAGES:
        if name in language.tags or (language is PYTHON and _is_python_version(name)):
            return language
    return None


def _is_python_version(name: str) -> bool:
    """`python3.11`, `python-3`."""
    rest = name.removeprefix("python").lstrip("-")
    return rest != name and rest.replace(".", "").isdecimal()
