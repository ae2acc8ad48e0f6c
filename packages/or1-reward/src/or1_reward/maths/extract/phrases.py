"""The phrases in front of an answer: "the answer is", `Answer:`, 答案, 故选, and their relatives."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

PHRASE: Final = re.compile(
    r"(?:(?:final|correct|right)\s{1,9}(?:answer|solution|result|choice|option)|answer|respuesta|réponse|reponse|antwort|risposta"
    r"|resposta|ответ)"
    r"(?:\s{1,9}(?:is|are|should\s+be|must\s+be|will\s+be|would\s+be|est|es|ist|lautet|è|é|equals))?+"
    r"\s{0,9}[:：]?+\s{0,9}(?:is|are)?+\s{0,9}[:：]?+\*{0,2}+(?=[\s$\\(\"'*\d+\-.:√]|$)"
    r"|(?:option|choice)\s{1,9}(?:is\s+)?(?=\(?[A-J]\b)|(?:^|\n)[ \t*]{0,9}A\s{0,9}[:：]"
    r"|[【\[]?答案[】\]]?(?:应为|应该是|是|为|為|选择?|：|:)*+"
    r"|(?:故|因此|所以|应|应该)选(?:择)?[项]?[:：]?|(?:the\s+)?(?:value|result|solution)\s{1,9}is\b",
    re.IGNORECASE,
)
CUES: Final = (
    "answer", "solution", "result", "value", "option", "choice", "respuesta", "réponse", "reponse", "antwort",
    "risposta", "resposta", "ответ", "答案", "选", ":", "：",
)  # fmt: skip
"""One of these is in whatever `PHRASE` finds; a short answer mostly has none, and is spared the search."""
FINAL: Final = re.compile(
    r"(?:final|correct|right)\s{1,9}(?:answer|choice|option)\s{0,9}(?:is\s{0,9}:?|:)[*_]{0,2}+\s{0,9}"
    r"|(?:^|\n|[.!?]\s)[\s*_#>]{0,9}(?:the\s{1,9})?(?:answer|答案)\s{0,9}(?:is\s{0,9}:?|:|：)[*_]{0,2}+\s{0,9}",
    re.IGNORECASE,
)
_MOST: Final = 24  # phrases looked at, from the end


def last_phrases(text: str) -> Iterator[re.Match[str]]:
    """What announces an answer, the last one first."""
    folded = text.casefold()
    if any(cue in folded for cue in CUES):
        yield from list(PHRASE.finditer(text))[: -_MOST - 1 : -1]


def last_final_phrases(text: str) -> Iterator[re.Match[str]]:
    """What announces a final answer behind a box, the last one first."""
    yield from list(FINAL.finditer(text))[: -_MOST - 1 : -1]
