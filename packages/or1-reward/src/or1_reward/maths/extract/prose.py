"""Whether a text is prose; where a sentence ends; what is denied."""

from __future__ import annotations

import re
from typing import Final

_WORD_PAIR: Final = re.compile(r"(?<![A-Za-z])[A-Za-z]{2,}+[,.]?\s{1,9}[A-Za-z]{2}")
_WORDS: Final = re.compile(r"[A-Za-z]{2,}")
_CJK: Final = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_MARKUP: Final = re.compile(
    r"\\(?:text|textbf|mathrm|operatorname)\s{0,9}\{[^{}]*+\}|[_^]\s{0,9}\{[^{}]*+\}|\\[A-Za-z]++"
)
_COMMON_WORD: Final = re.compile(
    r"\b(?:so|we|get|the|is|it|its|are|then|thus|hence|therefore|answer|that|this|there|have|has|because|since|to|of|by|as|"
    r"choose|option|with|be|not)\b",
    re.IGNORECASE,
)
_MANY_WORDS: Final = 4
_NEGATED: Final = re.compile(
    r"(?:\b(?:not|never|neither|nor|cannot|rather than|instead of|other than|except|unlike)|n['’]t)"
    r"(?:\s+(?:be|been|is|equal|equals|to|just|simply|only|the|answer|in fact))*+[\s$(*\"]*+"
    r"(?:\\?[A-Za-z]{1,8}\s?=[\s$(*\"]*+)?$",
    re.IGNORECASE,
)
_NEGATION: Final = re.compile(
    r"(?:(?:certainly|definitely|clearly|probably)\s+)?(?:not|never|neither)\b", re.IGNORECASE
)
_DENIAL_CHARS: Final = 60
_BLOCK: Final = re.compile(r"\\\[[^\\]*+(?:\\(?!\])[^\\]*+)*+\\\]|\$\$[^$]*+\$\$")
_SENTENCE_END: Final = re.compile(r"\.(?=\s|$)|。|．(?!\d)|\n\s*\n|\n(?=\S)")
_MAX_SENTENCE: Final = 2_000


def is_prose(text: str) -> bool:
    """Whether a text is a sentence rather than a formula."""
    plain = _MARKUP.sub(" ", text)
    if _CJK.search(text) or _COMMON_WORD.search(plain):
        return True
    return bool(_WORD_PAIR.search(plain)) and len(_WORDS.findall(plain)) > _MANY_WORDS


def first_sentence(text: str) -> str:
    """The first sentence of a text, newlines inside of displayed formulas aside."""
    text = text[:_MAX_SENTENCE]
    depth_safe = _BLOCK.sub(lambda block: block[0].replace("\n", " "), text)
    match = _SENTENCE_END.search(depth_safe)
    return (depth_safe[: match.start()] if match else depth_safe).strip().strip("*_\"' ").removesuffix("\\")


def is_denied(text: str, at: int) -> bool:
    """Whether what stands at a place is said not to be the answer (`it is not 5`)."""
    return _NEGATED.search(text[max(0, at - _DENIAL_CHARS) : at]) is not None


def begins_with_denial(sentence: str) -> bool:
    """Whether a sentence says what the answer is not."""
    return _NEGATION.match(sentence) is not None
