"""Extract the program from a response: the last fenced block of a known language behind the reasoning part.

A fence is three or more backticks or tildes at the start of a line, indented or not, so backticks inside a string do
not end a block. A tag of a known language also opens a block behind other text (`Here: ```python`). Blocks that name a
language win over blocks without a tag, and blocks that hold code win over blocks of comments. The last block may lack
its closing fence. Everything here takes time linear in the length of the response.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from or1_reward.code.languages import LANGUAGES, PYTHON, Language, language_of_tag
from or1_reward.reasoning import CLOSE, OPEN

_BLANKS: Final = " \t\r"
_SHORTEST: Final = 3
_MOST_QUOTED: Final = 64


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `tag` is the text behind the opening fence."""

    tag: str
    text: str

    @property
    def language(self) -> Language | None:
        """The language that the tag names, if it is one of ours."""
        return language_of_tag(self.tag)


@dataclass(frozen=True, slots=True)
class Program:
    """The source text of a program and its language."""

    text: str
    language: Language = PYTHON


@dataclass(frozen=True, slots=True)
class _Fence:
    indent: int
    mark: str
    tag: str

    def closes(self, opened: _Fence) -> bool:
        return not self.tag and self.mark[0] == opened.mark[0] and len(self.mark) >= len(opened.mark)


def _fence(line: str) -> _Fence | None:
    """The fence that a line consists of, if it is one."""
    body = line.strip(_BLANKS)
    if body[:1] not in ("`", "~"):
        return None
    length = len(body) - len(body.lstrip(body[0]))
    tag = body[length:].strip(_BLANKS)
    if length < _SHORTEST or "`" in tag:
        return None
    return _Fence(len(line) - len(line.lstrip(_BLANKS)), body[:length], tag)


def _opening(line: str) -> _Fence | None:
    """A fence line, or a fence with the tag of a known language at the end of a line of text."""
    fence = _fence(line)
    if fence is not None:
        return fence
    before, mark, tag = line.rpartition("```")
    if not mark or "`" in before or language_of_tag(tag.strip(_BLANKS)) is None:
        return None
    return _Fence(0, mark, tag.strip(_BLANKS))


def fenced_blocks(text: str) -> list[Block]:
    """All fenced blocks in order; a block that is never closed runs to the end of the text."""
    blocks: list[Block] = []
    opened: _Fence | None = None
    lines: list[str] = []
    for line in text.split("\n"):
        fence = _fence(line)
        if opened is None:
            opened, lines = fence or _opening(line), []
        elif fence and fence.closes(opened):
            blocks.append(_block(opened, lines))
            opened = None
        elif fence and fence.mark[0] == opened.mark[0] and language_of_tag(fence.tag):
            blocks.append(_block(opened, lines))  # a new block was opened before the old one was closed
            opened, lines = fence, []
        else:
            lines.append(line)
    if opened is not None:
        blocks.append(_block(opened, lines))
    return blocks


def _block(opened: _Fence, lines: list[str]) -> Block:
    """The lines, without the indentation of the fence itself."""
    return Block(
        opened.tag,
        "\n".join(line[min(opened.indent, len(line) - len(line.lstrip(_BLANKS))) :] for line in lines) + "\n",
    )


def answer_part(response: str) -> str | None:
    """The text behind the reasoning part; None when that part was opened and never closed.

    A program that prints `</think>` does not end the reasoning: tags in a quoted string of a fenced block do not count.
    """
    closed = _last_tag(response, CLOSE)
    answer = response if closed < 0 else response[closed + len(CLOSE) :]
    return None if _last_tag(answer, OPEN) >= 0 else answer


def _last_tag(text: str, tag: str) -> int:
    """Where the last occurrence of a tag is that is not part of a program's string; -1 when there is none."""
    at = text.rfind(tag)
    for _ in range(_MOST_QUOTED):
        if at < 0 or not (_is_quoted(text, at, tag) and _is_fenced(text, at)):
            return at
        at = text.rfind(tag, 0, at)
    return at


def _is_quoted(text: str, at: int, tag: str) -> bool:
    before = text[text.rfind("\n", 0, at) + 1 : at]
    end = text.find("\n", at)
    after = text[at + len(tag) : len(text) if end < 0 else end]
    return any(before.count(quote) % 2 == 1 and quote in after for quote in ("'", '"'))


def _is_fenced(text: str, at: int) -> bool:
    """Whether a block is open at a place of the text."""
    opened: _Fence | None = None
    for line in text[: text.rfind("\n", 0, at) + 1].split("\n"):
        fence = _fence(line)
        if opened is None:
            opened = fence or _opening(line.rpartition(CLOSE)[2])
        elif fence and fence.closes(opened):
            opened = None
    return opened is not None


def extract_program(response: str, language: str = PYTHON.name) -> str | None:
    """The text of the response's program in one language; None when there is none behind the reasoning part."""
    found = find_program(response, language)
    return None if found is None else found.text


def find_program(response: str, language: str | None = None) -> Program | None:
    """The program of a response, or None when there is no block behind the reasoning part.

    Args:
        response: the whole text of the model.
        language: the only language that is taken, by name; None takes Python, then the others.
    """
    answer = answer_part(response)
    if answer is None:
        return None
    blocks = [block for block in fenced_blocks(answer.replace("\r\n", "\n")) if block.text.strip()]
    wanted = [known for known in LANGUAGES if language in (None, known.name)]
    for known in wanted:
        named = [block for block in blocks if block.language is known]
        if named:
            return Program(_last_with_code(named, known), known)
    plain = [block for block in blocks if not block.tag]
    return Program(_last_with_code(plain, wanted[0]), wanted[0]) if plain and wanted else None


def _last_with_code(blocks: list[Block], language: Language) -> str:
    """The last block that is more than comments, else the last one."""
    holding = [block.text for block in blocks if _has_code(block.text, language)]
    return holding[-1] if holding else blocks[-1].text


def _has_code(text: str, language: Language) -> bool:
    return any(line.strip() and not line.lstrip(_BLANKS).startswith(language.line_comment) for line in text.split("\n"))
