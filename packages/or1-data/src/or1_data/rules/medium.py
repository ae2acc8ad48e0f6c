"""Rules about what text alone cannot carry: links, figures that are not there, other languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from or1_data.rules.finding import Finding, blank_drawings, found, mask_math
from or1_data.schema import Problem
from or1_data.text.canonical import strip_asy

_URL: Final = re.compile(r"https?://\S+|\bwww\.[\w-]+\.\S+|\bartofproblemsolving\.com\S*", re.I)


def url(problem: Problem) -> Iterator[Finding]:
    """Contains a link: what is behind it may be needed, or may be the solution. Code blocks may contain links."""
    text = blank_drawings(problem.statement) if problem.ability == "math" else mask_math(problem.statement)
    if match := _URL.search(text):
        yield found("url", problem.statement, match.start(), match.end())


_DISPLAY: Final = re.compile(r"\$\$|\\\[|\\begin\{|\n\s*\$?\s*-?\d[\d\s,.$\\]{8,}")
_TYPESET: Final = re.compile(r"\\begin\{(?:tabular|array)|\\hline")
_BULLET: Final = re.compile(r"\n\s*(?:\$\\bullet\$|[-*•]\s|\|)")
_SHOWN: Final = re.compile(r"(?:as\s+)?(?:shown|given|drawn)\s+(?:here|below|above)", re.I)
_DRAWN: Final = re.compile(r"\[asy\]|\\begin\{(?:tikzpicture|picture|asy)\}|\\chemfig\b", re.I)
_IMAGE: Final = re.compile(
    r"!\[[^\]]*\]\([^)]*\)|<img\b|\[img\]|\\includegraphics|<image>|\[image(?:\d|\])|figure_\d+|<ImageHere>", re.I
)
_THING: Final = (
    r"(?:figures?|diagrams?|pictures?|images?|illustrations?|drawings?|sketch|spinner"
    r"|(?:bar|line|circle|pie)\s+(?:graph|chart)s?|histogram|number\s+line|graph|charts?)"
)
_POINTING: Final = re.compile(
    r"\b(?:(?:see|shown\s+(?:in|on|by)|as\s+(?:shown|seen|pictured|illustrated|depicted)\s+in|(?:refer|according)\s+to|pictured\s+in|given\s+in|depicted\s+in)\s+"
    r"(?:the\s+|this\s+)(?:accompanying\s+|following\s+|above\s+|given\s+|attached\s+|adjacent\s+)?(?:figure|diagram|picture|image|illustration|drawing)s?\b"
    r"|\b(?:in|on|from|using|of)\s+(?:the|this)\s+(?:accompanying\s+|following\s+|above\s+|given\s+|attached\s+|adjacent\s+)?(?:figure|diagram|illustration)s?\b"
    r"|\b(?:in|on)\s+the\s+(?:accompanying|following|above|given|attached|adjacent)\s+(?:picture|image|drawing)s?\b"
    r"|"
    + _THING
    + r"\s+(?:is\s+|are\s+|shown\s+)?(?:below|above|at\s+(?:the\s+)?(?:right|left)|on\s+the\s+(?:right|left)|here)\b"
    r"|" + _THING + r"\s+(?:is\s+|are\s+)?shown\b"
    r"|(?:as\s+)?(?:shown|pictured|depicted|illustrated|drawn)\s+(?:here|below|above|to\s+the\s+(?:right|left)|at\s+(?:the\s+)?(?:right|left)|on\s+the\s+(?:right|left))\b"
    r"|as\s+(?:shown|pictured|illustrated|depicted)(?=\s*[.,;?]|\s+in\s+Fig)"
    r"|(?:the|this|following|accompanying)\s+(?:figure|diagram|picture|image|illustration|bar\s+graph|circle\s+graph|pie\s+chart|line\s+graph|graph)\s+(?:shows|represents|illustrates|depicts|gives)\b"
    r"|(?:shaded|unshaded)\s+(?:region|area|part|portion)s?\s+(?:in|of)\s+the\s+(?:figure|diagram)"
    r"|fig(?:ure|\.)\s*\d+)",
    re.I,
)
_TOLD: Final = re.compile(r"(?:in|on|from|using|of)\s+(?:the|this)\s+(figure|diagram|illustration)s?", re.I)
_TABLE: Final = re.compile(
    r"\b(?:table|chart)s?\s+(?:is\s+|are\s+)?(?:shown\s+)?(?:below|above|shows)|following\s+table", re.I
)
_TABLE_HERE: Final = re.compile(
    r"\\begin\{(?:tabular|array|matrix|pmatrix)|\|[^|\n]+\||\\hline|(?:\S+[ \t]{2,}){2}|\t|&"
)


def missing_figure(problem: Problem) -> Iterator[Finding]:
    """Points at a figure or table that the text does not contain.

    A drawing given as source is a figure that is there. Programming problems are left alone: their pictures illustrate
    what the text and the samples say (of 44 in the real files at hand, every one).
    """
    text = problem.statement
    if problem.ability != "math":
        return
    if match := _IMAGE.search(text):
        yield found("missing_figure", text, match.start(), match.end())
        return
    if _DRAWN.search(text):
        return
    prose = mask_math(text)
    if _TYPESET.search(text):
        return
    if match := _POINTING.search(prose):
        shown = _SHOWN.fullmatch(match.group(0)) and (_DISPLAY.search(text) or _BULLET.search(text))
        if not shown and not _told(prose, match):
            yield found("missing_figure", text, match.start(), match.end())
    elif (match := _TABLE.search(prose)) and not _TABLE_HERE.search(text):
        yield found("missing_figure", text, match.start(), match.end())


def _told(prose: str, match: re.Match[str]) -> bool:
    """Whether the words in front made the figure: `Ann has a figure made of ...; the area of the figure`."""
    thing = _TOLD.fullmatch(match.group(0))
    return thing is not None and bool(re.search(rf"\ban?\s+(?:\w+\s+)?{thing[1]}\b", prose[: match.start()], re.I))


def drawing(problem: Problem) -> Iterator[Finding]:
    """Carries a drawing as source text: complete, but worth knowing. A note, never a reason to drop by default."""
    if match := _DRAWN.search(problem.statement):
        yield found("drawing", problem.statement, match.start(), match.end())


# Greek letters are symbols of mathematics unless they make words.
_FOREIGN: Final = re.compile(
    r"[\u0370-\u03ff]{4,}|[\u0400-\u052f\u0590-\u08ff\u0900-\u0dff\u0e00-\u0eff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7ff]"
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_ENGLISH_TEXT: Final = """
the of and is a to in that are be for what find how many if with each it on by as at all an from there which can let
such
"""
_OTHER_TEXT: Final = """
el la los las una del que por para con es son cual cuántos si le les des une du est dans pour qui sur pas avec der die
das und
ist nicht ein eine von mit auf wie viele den im zu sich o os da do em um uma não qual quantos il lo gli che di per
sono è cosa
của là và một có các cho trong het een van en op
"""
_ENGLISH: Final = frozenset(_ENGLISH_TEXT.split())
_OTHER: Final = frozenset(_OTHER_TEXT.split()) - _ENGLISH


def language(problem: Problem) -> Iterator[Finding]:
    """Prose that is not English: other scripts by their letters, Latin ones by their function words."""
    prose = mask_math(strip_asy(problem.statement))
    letters = sum(char.isalpha() for char in prose)
    foreign = sum(map(len, _FOREIGN.findall(prose)))
    match = _FOREIGN.search(prose)
    if match and foreign >= 4 and foreign > 0.15 * letters:
        yield found("language", problem.statement, match.start(), min(len(prose), match.start() + 40))
        return
    words = [word.lower() for word in _WORD.findall(prose)]
    other = sum(word in _OTHER for word in words)
    if len(words) >= 8 and other >= 3 and other > 2 * sum(word in _ENGLISH for word in words):
        yield found("language", problem.statement, 0, 40)
