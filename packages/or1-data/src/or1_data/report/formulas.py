"""Statements as HTML: formulas as MathML, which browsers draw without scripts, and what a rule matched marked."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final
from xml.etree.ElementTree import Element, tostring

from latex2mathml import exceptions
from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape

_FORMULA: Final = re.compile(
    r"(?<!\\)\$\$(?P<wide>[^$]+)\$\$|\\\[(?P<square>.+?)\\\]|\\\((?P<round>.+?)\\\)"
    # As in pandoc: no space behind the first dollar or before the last, and no digit after it, else it is money.
    r"|(?<!\\)\$(?=[^\s$])(?P<inline>(?:[^$\\]|\\.)*?)(?<=\S)\$(?!\d)",
    re.S,
)
_LONGEST: Final = 2000
_REFUSED: Final[tuple[type[Exception], ...]] = tuple(
    kind for kind in vars(exceptions).values() if isinstance(kind, type)
)
"""The library's errors have no common base."""
_UNREAD: Final[tuple[type[Exception], ...]] = (
    *_REFUSED,
    LookupError,
    ValueError,
    TypeError,
    AttributeError,
    RuntimeError,
    StopIteration,
)
_UNSAFE: Final = ("href", "class", "style", "id")
"""Attributes that a formula's author may set."""


def rendered(text: str, start: int = 0, end: int = 0) -> Markup:
    """The text with its formulas drawn; `text[start:end]` is marked, together with all of a formula that it touches."""
    pieces = []
    for first, last, formula in _pieces(text):
        if formula is None:
            cut = sorted({first, last, *(place for place in (start, end) if first < place < last)})
            pieces += [_marked(escape(text[a:b]), start <= a < end) for a, b in pairwise(cut)]
        else:
            pieces.append(_marked(formula, first < end and start < last))
    return Markup("").join(pieces)


def _pieces(text: str) -> Iterator[tuple[int, int, Markup | None]]:
    """Spans of plain text, and of formulas with their MathML."""
    place = 0
    for match in _FORMULA.finditer(text):
        yield place, match.start(), None
        yield match.start(), match.end(), _mathml(match)
        place = match.end()
    yield place, len(text), None


def _mathml(match: re.Match[str]) -> Markup:
    """A formula's MathML; what cannot be read stays as it was typed."""
    kind = match.lastgroup or "inline"
    source = match[kind]
    if len(source) > _LONGEST:
        return escape(match[0])
    try:
        element = convert_to_element(source, display="block" if kind in ("wide", "square") else "inline")
    except _UNREAD:
        return escape(match[0])
    return Markup(tostring(_safe(element), encoding="unicode"))


def _safe(element: Element) -> Element:
    """The library writes text as it is and operators as entities: here both become text, to be escaped on output."""
    for part in element.iter():
        part.text = html.unescape(part.text or "")
        for name in _UNSAFE:
            part.attrib.pop(name, None)
    return element


def _marked(piece: Markup, mark: bool) -> Markup:
    return Markup("<mark>{}</mark>").format(piece) if mark and piece else piece
