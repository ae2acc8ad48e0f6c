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


BOX: Final = re.compile(r"\\(?:(?:begin)?boxed|fbox|framebox)(?![A-Za-z])")
_BOX_GAP: Final = re.compile(
    r"(?:\s|[,;:$.&]|\\[,;:!()\[\]\\ ]|\\(?:quad|qquad|text|mathrm|textbf)(?![A-Za-z])|[{}~*]|"
    r"\b(?:and|or|for|part|parts|if|when|as well as)\b|\([a-e]\)|\\(?:land|lor|wedge|vee)\b|和|或|以及)*"
)
_CUT_OFF: Final = re.compile(r"[^$}\]]*")
_GOLD_GAP: Final = re.compile(r"[\s+\\]*(?:[A-Za-z]+[\s,]+(?:and|or)\s+)?")
_MAX_BOXES: Final = 64  # the last ones; thousands of open boxes must not cost quadratic time
_BRACE: Final = re.compile(r"\\[{}\\]|[{}]")


def boxed_content(text: str) -> str | None:
    r"""What stands in the last box of a gold, with those before it (`\boxed{1} papers and \boxed{2} bins`)."""
    found = boxed(text, _GOLD_GAP)
    return found.text if found else None


def boxed(text: str, gap: re.Pattern[str] | None = None) -> Extraction | None:
    """The last box of a text, with those beside it that belong to one answer; `gap` is what may stand between them."""
    boxes = [
        box
        for box in (_box_at(text, match.end()) for match in list(BOX.finditer(text))[-_MAX_BOXES:])
        if box is not None
    ]
    boxes = [box for at, box in enumerate(boxes) if not any(box[0] < later[0] < box[1] for later in boxes[at + 1 :])]
    if not boxes:  # of boxes in boxes, the inner ones count
        return None
    group = [boxes[-1]]
    for earlier in reversed(boxes[:-1]):
        between = text[earlier[1] : group[0][0]]
        if not _joined(between) and not (gap and gap.fullmatch(between)):
            break
        group.insert(0, earlier)
    contents = tuple(dict.fromkeys(box[2].strip() for box in boxes))
    if len(group) == 1:
        return Extraction(group[0][2].strip(), "last box", contents)
    parts = list(dict.fromkeys(box[2].strip() for box in group))
    rule = f"{len(group)} boxes side by side" if len(parts) > 1 else "last box"
    return Extraction(" , ".join(parts), rule, contents, tuple(parts))


def _box_at(text: str, at: int) -> tuple[int, int, str] | None:
    """(start, end, content) of the box whose command ends at `at`; an unclosed one runs to the line's end."""
    start = text.rfind("\\", 0, at)
    while at < len(text) and text[at] in " \t\n":
        at += 1
    if at >= len(text):
        return None
    if text[at] != "{":
        match = re.match(r"\$?([^\s${}]+)", text[at:])
        return (start, at + match.end(), match[1]) if match else None
    end = _closing(text, at)
    if end is None:
        line, _, behind = text[at + 1 :].partition("\n")
        if not behind.strip() and _CUT_OFF.fullmatch(line):
            return None  # cut off: `\boxed{42` may be the beginning of 420
        return start, at + 1 + len(line), line.rstrip("$ .}\\])")
    return start, end + 1, text[at + 1 : end]


def _closing(text: str, at: int) -> int | None:
    """Where the brace opened at `at` is closed; escaped braces do not count."""
    depth = 0
    for match in _BRACE.finditer(text, at):
        if match[0] == "{":
            depth += 1
        elif match[0] == "}":
            depth -= 1
            if depth == 0:
                return match.start()
    return None


def _joined(gap: str) -> bool:
    """Whether two boxes belong to one answer: only connectives and punctuation stand between them."""
    gap = gap.strip()
    if len(gap) > 60 or "\n\n" in gap:
        return False
    return _BOX_GAP.fullmatch(gap) is not None and not re.search(r"\.\s*\S", gap.replace("\\.", ""))
