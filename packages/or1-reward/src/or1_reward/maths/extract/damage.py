r"""Damage that transport does to LaTeX: `\f`, `\b`, `\t` as control characters, HTML exponents, lone surrogates."""

from __future__ import annotations

import re
from typing import Final

_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_LETTERS: Final = {"\x07": "\\a", "\x08": "\\b", "\x0b": "\\v", "\x0c": "\\f"}
_CONTROL: Final = re.compile("[\x07\x08\x0b\x0c](?=[a-z])")
_TAB: Final = re.compile(r"\t(?=(?:ext|imes|frac|an|heta|au|riangle|herefore)(?![a-z]))")
_RETURN: Final = re.compile(r"\r(?=(?:ight|ho|angle|floor|ceil)(?![a-z]))")
_RAISED: Final = re.compile(r"<sup>([^<>]{1,40})</sup>", re.IGNORECASE)
_LOWERED: Final = re.compile(r"<sub>([^<>]{1,40})</sub>", re.IGNORECASE)
_TAGS: Final = re.compile(r"</?(?:b|i|em|strong|span|p|br)\s*/?>", re.IGNORECASE)


def repaired(text: str) -> str:
    """The text as it was meant."""
    if not text.isascii():
        text = _SURROGATE.sub("\ufffd", text)
    if not text.isprintable():
        text = _CONTROL.sub(lambda sign: _LETTERS[sign[0]], text)
        text = _RETURN.sub(r"\\r", _TAB.sub(r"\\t", text)).replace("\x00", " ")
    if "<" in text:
        text = _LOWERED.sub(r"_{\1}", _RAISED.sub(r"^{\1}", text))
        text = _TAGS.sub(" ", text)
    return text
