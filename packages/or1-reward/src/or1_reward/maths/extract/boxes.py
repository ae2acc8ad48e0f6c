r"""Boxed answers: `\boxed{}` and its relatives with nested braces, and which of them are one answer."""

from __future__ import annotations

import re
from typing import Final, NamedTuple


class Extraction(NamedTuple):
    """`text` was found by `rule`; `boxes` are all boxed answers, for golds that list several.

    `beside` are the boxes that stand side by side and make up `text`.
    """

    text: str
    rule: str
    boxes: tuple[str, ...] = ()
    beside: tuple[str, ...] = ()


class Box(NamedTuple):
    """A box from `start` to `end` of its text."""

    start: int
    end: int
    content: str


BOX: Final = re.compile(r"\\(?:(?:begin)?boxed|fbox|framebox)(?![A-Za-z])")
_BOX_GAP: Final = re.compile(
    r"(?:\s|[,;:$.&]|\\[,;:!()\[\]\\ ]|\\(?:quad|qquad|text|mathrm|textbf)(?![A-Za-z])|[{}~*]|"
    r"\b(?:and|or|for|part|parts|if|when|as well as|also|possibly|maybe|perhaps|alternatively|else)\b|\([a-e]\)|[()]|"
    r"\\(?:land|lor|wedge|vee)\b|和|或|以及|且)*+"
)
_CUT_OFF: Final = re.compile(r"[^$}\]]*+")
_GOLD_GAP: Final = re.compile(r"[\s+\\]*(?:[A-Za-z]+[\s,]+(?:and|or)\s+)?")
_UNBRACED: Final = re.compile(r"\$?((?:[-+]?(?:\w|\.\d)|\\[A-Za-z])[^\s${}]*+)")
_MAX_BOXES: Final = 64  # the last ones
_BRACE: Final = re.compile(r"\\[{}\\]|[{}]")
_PLACEHOLDER: Final = re.compile(
    r"[\s.~_?…]*|\\l?dots|\\cdots|(?:\\text\{\s*)?(?:your |the |final |my )*(?:answer|result|solution"
    r"|value)s?(?: here)?\s*\}?",
    re.IGNORECASE,
)
_MAX_GAP: Final = 60


def boxed_content(text: str) -> str | None:
    r"""What stands in the last box of a gold, with those before it (`\boxed{1} papers and \boxed{2} bins`)."""
    found = boxed(text, _GOLD_GAP)
    return found.text if found else None


def boxed(text: str, gap: re.Pattern[str] | None = None) -> Extraction | None:
    """The last box of a text, with those beside it that belong to one answer; `gap` is what may stand between them."""
    boxes = _boxes(text)
    if not boxes:
        return None
    group = [boxes[-1]]
    for earlier in reversed(boxes[:-1]):
        between = text[earlier.end : group[0].start]
        if not _joined(between) and not (gap and len(between) <= _MAX_GAP and gap.fullmatch(between)):
            break
        group.insert(0, earlier)
    contents = tuple(dict.fromkeys(box.content for box in boxes))
    if len(group) == 1:
        return Extraction(group[0].content, "last box", contents)
    parts = list(dict.fromkeys(box.content for box in group))
    rule = f"{len(group)} boxes side by side" if len(parts) > 1 else "last box"
    return Extraction(" , ".join(parts), rule, contents, tuple(parts))


def _boxes(text: str) -> list[Box]:
    """The last boxes in order, of boxes in boxes the inner ones; boxes that are only mentioned are none."""
    commands = list(BOX.finditer(text))[-_MAX_BOXES:]
    if not commands:
        return []
    closing = _closing_braces(text, commands[0].start())
    found = [_box_at(text, match, closing) for match in commands]
    boxes = [box for box in found if box is not None and not _PLACEHOLDER.fullmatch(box.content[:_MAX_GAP])]
    boxes = [
        box for at, box in enumerate(boxes) if not any(box.start < later.start < box.end for later in boxes[at + 1 :])
    ]
    unquoted = [box for box in boxes if text[box.start - 1 : box.start] != "`" or text[box.end : box.end + 1] != "`"]
    return unquoted or boxes


def _closing_braces(text: str, start: int) -> dict[int, int]:
    """Where every brace behind `start` is closed; escaped braces do not count."""
    found: dict[int, int] = {}
    stack: list[int] = []
    for match in _BRACE.finditer(text, start):
        if match[0] == "{":
            stack.append(match.start())
        elif match[0] == "}" and stack:
            found[stack.pop()] = match.start()
    return found


def _box_at(text: str, command: re.Match[str], closing: dict[int, int]) -> Box | None:
    """The box that a command opens; an unclosed one runs to the line's end."""
    start, at = command.span()
    while at < len(text) and text[at] in " \t\n":
        at += 1
    if at >= len(text):
        return None
    if text[at] != "{":
        match = _UNBRACED.match(text, at)
        return Box(start, match.end(), match[1].rstrip(".,;:")) if match else None
    end = closing.get(at)
    if end is not None:
        return Box(start, end + 1, text[at + 1 : end].strip())
    stop = text.find("\n", at)
    line, behind = (text[at + 1 :], "") if stop < 0 else (text[at + 1 : stop], text[stop:])
    if not behind.strip() and _CUT_OFF.fullmatch(line):
        return None  # cut off: `\boxed{42` may be the beginning of 420
    return Box(start, at + 1 + len(line), _without_tail(line))


def _without_tail(line: str) -> str:
    """A line without the marks of a sentence's end, and without closing brackets that nothing opens."""
    end, unopened = len(line), line.count("}") - line.count("{")
    while end and (line[end - 1] in _TAIL or (line[end - 1] == "}" and unopened > 0)):
        end -= 1
        unopened -= line[end] == "}"
    return line[:end]


_TAIL: Final = frozenset("$ .\\])*_")


def _joined(gap: str) -> bool:
    """Whether two boxes belong to one answer: only connectives and punctuation stand between them."""
    gap = gap.strip()
    if len(gap) > _MAX_GAP or "\n\n" in gap:
        return False
    return _BOX_GAP.fullmatch(gap) is not None and not re.search(r"\.\s*\S", gap.replace("\\.", ""))
