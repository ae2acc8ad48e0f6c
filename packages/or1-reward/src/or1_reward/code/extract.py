"""Take the program out of a response: the last Python block of the part after the reasoning.

A fence is a line of its own (three or more backticks or tildes, indented or not), so backticks inside a string do not
end a block. The last block whose tag is Python wins over later blocks of other kinds, such as sample output; without
such a tag the last block with no tag at all is taken. The last block may lack its closing fence.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from or1_reward.reasoning import final_part

_FENCE: Final = re.compile(r"^([ \t]*)(`{3,}|~{3,})[ \t]*([^`\n]*?)[ \t]*$")
_PYTHON: Final = re.compile(r"(?i)^\{?\.?(python|py|python[ -]?[23](\.\d+)?|py[23]|pypy[23]?|ipython|python-repl)\b")


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `tag` is what stands behind the opening fence."""

    tag: str
    text: str

    @property
    def is_python(self) -> bool:
        """Whether the tag names Python."""
        return bool(_PYTHON.match(self.tag))


def fenced_blocks(text: str) -> list[Block]:
    """All fenced blocks in order; a block that is never closed runs to the end of the text."""
    blocks: list[Block] = []
    opened: re.Match[str] | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        match = _FENCE.match(line)
        if opened is None:
            opened, lines = match, []
        elif match and _closes(match, opened[2]):
            blocks.append(_block(opened, lines))
            opened = None
        elif match and _PYTHON.match(match[3]) and match[2][0] == opened[2][0]:
            blocks.append(_block(opened, lines))  # a new block was opened before the old one was closed
            opened, lines = match, []
        else:
            lines.append(line)
    if opened is not None:
        blocks.append(_block(opened, lines))
    return blocks


def _closes(match: re.Match[str], fence: str) -> bool:
    return not match[3] and match[2][0] == fence[0] and len(match[2]) >= len(fence)


def _block(opened: re.Match[str], lines: list[str]) -> Block:
    """The lines, less the indentation of the fence itself."""
    width = len(opened[1])
    return Block(opened[3], "\n".join(line[min(width, len(line) - len(line.lstrip(" \t"))) :] for line in lines) + "\n")


def extract_program(response: str) -> str | None:
    """The program of a response, or None when there is no block after the reasoning part (or no end to that part)."""
    answer = final_part(response)
    if answer is None:
        return None
    blocks = [block for block in fenced_blocks(answer.replace("\r\n", "\n")) if block.text.strip()]
    named = [block for block in blocks if block.is_python]
    plain = [block for block in blocks if not block.tag]
    chosen = named or plain
    return chosen[-1].text if chosen else None
