"""Answers in words: synonyms, lists of names in any order, short sentences that say the gold."""

from __future__ import annotations

import re
from typing import Final

from or1_reward.maths.parse.phrases import plain_words
from or1_reward.maths.parse.vocabulary import words

_SYNONYMS: Final = {
    phrase: phrases[0]
    for phrases in (
        ("does not exist", "dne", "d n e", "doesnt exist", "doesn t exist", "do not exist", "no limit",
         "the limit does not exist",         "limit does not exist", "not exist", "nonexistent", "不存在"),
        ("undefined", "not defined", "is undefined", "is not defined"),
        ("converges", "convergent", "converge", "it converges", "收敛"),
        ("diverges", "divergent", "diverge", "it diverges", "发散"),
        ("true", "correct", "t", "正确", "对", "vrai", "verdadero", "wahr"),
        ("false", "incorrect", "f", "错误", "错", "faux", "falso", "falsch"),
        ("yes", "是", "oui", "sí", "ja"),
        ("no", "否", "non", "nein"),
        ("none", "none of these", "none of the above", "neither"),
        ("infinitely many", "infinitely many solutions", "there are infinitely many solutions", "an infinite number",
         "无穷多"),
        ("increasing", "strictly increasing", "递增"),
        ("decreasing", "strictly decreasing", "递减"),
        ("no solution", "no solutions", "no real solution", "no real solutions", "无解", "pas de solution"),
        ("monday", "mon"), ("tuesday", "tue", "tues"), ("wednesday", "wed"), ("thursday", "thu", "thurs"),
        ("friday", "fri"), ("saturday", "sat"), ("sunday", "sun"),
        ("impossible", "not possible", "cannot be done"),
        ("possible",),
        ("equal", "they are equal"),
        ("rational",), ("irrational",), ("even",), ("odd",), ("neither even nor odd",), ("continuous",),
        ("discontinuous",),
        ("linear",), ("quadratic",), ("isosceles",), ("equilateral",), ("acute",), ("obtuse",), ("prime",),
        ("composite",),
        ("tie", "draw", "a tie", "a draw"),
    )
    for phrase in phrases
}  # fmt: skip
_NEGATIONS: Final = words("not no never neither nor cannot without isn doesn don unless if only except non")
_BEGINNINGS: Final = words("the this that it its a an both they these all so hence therefore thus such we he she there")
_MOST_WORDS: Final = 9
_JOINT: Final = re.compile(r"\s*(?:,|;|&|\\&)\s*(?:and\s+)?|\s+and\s+", re.IGNORECASE)
_NAME: Final = re.compile(r"[A-Z][A-Za-z'. -]*")
_MONTHS: Final = re.compile(
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day,?\s+)?(january|february|march|april|may|june|july|august|september|october|november|december"
    r"|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec)\.?\s+(\d{1,2})(?:st|nd|rd|th)?(?:,?\s*(\d{4}))?|(\d{1,2})(?:st|nd|rd|th)?\s+(?:of\s+)?"
    r"(january|february|march|april|may|june|july|august|september|october|november|december)(?:,?\s*(\d{4}))?",
    re.IGNORECASE,
)


def compare_sentences(answer: str, gold: str) -> bool | None:
    """True or False where both sides are words of a kind that this module knows; None for anything else."""
    if (dates := [_date(side) for side in (answer, gold)])[1] is not None and dates[0] is not None:
        return dates[0] == dates[1]
    answer, gold = answer.replace("\\&", " and "), gold.replace("\\&", " and ")
    answer, gold = (_SIGNS.get(side.strip(), side) for side in (answer, gold))
    if any(sign in answer + gold for sign in "\\=^_<>$"):
        return None
    answer, gold = (_WINS.sub("", side) for side in (answer, gold))
    said, wanted = _meaning(answer), _meaning(gold)
    if wanted in _SYNONYMS.values() and said in _SYNONYMS.values():
        return said == wanted
    if wanted in _SYNONYMS.values() and _says(plain_words(answer), wanted):
        return True
    if all(map(_LETTERS.fullmatch, (answer, gold))) and _without_article(answer) == _without_article(gold):
        return True
    names = [_names(side) for side in (answer, gold)]
    return names[0] == names[1] if names[0] and names[1] else None


def _meaning(text: str) -> str:
    plain = plain_words(text) or text.strip()
    if plain in _SYNONYMS:
        return _SYNONYMS[plain]
    shorter = _NOUN.sub("", _without_article(text))
    return _SYNONYMS.get(shorter, plain)


def _without_article(text: str) -> str:
    return _ARTICLE.sub("", plain_words(text) or text.strip())


_LETTERS: Final = re.compile(r"[A-Za-z]+(?:[ -][A-Za-z]+)+\.?|[A-Za-z]{3,}\.?")
_ARTICLE: Final = re.compile(r"^(?:an?|the) ")
_NOUN: Final = re.compile(r" (?:triangle|function|series|sequence|number|integral)$")
_WINS: Final = re.compile(
    r"(?<=[A-Za-z]) (?:(?:always |can always |can )?wins?(?: the game)?|has (?:a|the) winning strategy)\.?$"
)
_SIGNS: Final = {"\\nexists": "does not exist", "\\infty": "infinitely many"}


def _says(sentence: str, wanted: str) -> bool:
    """Whether a short sentence without negation ends in what is wanted (`the series converges`)."""
    words = sentence.split()
    if len(words) > _MOST_WORDS or not words or words[0] not in _BEGINNINGS:
        return False
    for count in range(1, min(4, len(words))):
        if _SYNONYMS.get(" ".join(words[-count:])) == wanted:
            before = words[:-count]
            others = {_SYNONYMS.get(word) for word in before} - {None}
            return _NEGATIONS.isdisjoint(before) and not others
    return False


def _names(text: str) -> frozenset[str] | None:
    """Several names, in any order."""
    parts = [part.strip() for part in _JOINT.split(text.strip(" ."))]
    if len(parts) < 2 or not all(_NAME.fullmatch(part) and len(part) > 2 for part in parts):
        return None
    return frozenset(part.casefold() for part in parts)


def _date(text: str) -> tuple[str, ...] | None:
    match = _MONTHS.fullmatch(text.strip(" ."))
    if match is None:
        return None
    month = (match[1] or match[5]).casefold()[:3]
    return month, str(int(match[2] or match[4])), match[3] or match[6] or ""
