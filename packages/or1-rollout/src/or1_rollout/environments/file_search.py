"""Search over the text files of a folder as a tool."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from or1_rollout.environments.tools import Stateless, text_argument

SHOWN_LINES, LINE_CHARACTERS, MOST_WORDS = 5, 200, 32


class FileSearch(Stateless):
    """Finds the lines with most of the words that are asked for. Fits `Tool` and `OpenTool`."""

    name = "search"
    description = "Finds lines of text that contain the words of a query."
    parameters = text_argument("query")
    is_deterministic = True

    def __init__(self, folder: Path) -> None:
        """Read all `.txt` and `.md` files under `folder` once, so that later changes there change nothing."""
        files = sorted(path for path in folder.rglob("*") if path.suffix in (".txt", ".md") and path.is_file())
        self._lines = [
            (f"{path.relative_to(folder)}:{number}", line.strip())
            for path in files
            for number, line in enumerate(path.read_text("utf-8", errors="replace").splitlines(), 1)
            if line.strip()
        ]

    def call(self, arguments: Mapping[str, Any]) -> str:
        """The best lines with their places, best first."""
        query = arguments.get("query")
        words = set(query.lower().split()[:MOST_WORDS]) if isinstance(query, str) else set()
        if not words:
            return "error: query must be a text with at least one word"
        counted = [(sum(word in line.lower() for word in words), place, line) for place, line in self._lines]
        best = sorted((found for found in counted if found[0]), key=lambda found: -found[0])[:SHOWN_LINES]
        return "\n".join(f"{place}: {line[:LINE_CHARACTERS]}" for _, place, line in best) or "nothing found"
