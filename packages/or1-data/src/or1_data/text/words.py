"""Words and numbers of a statement, for matching texts that say the same in other words."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache, lru_cache
from importlib.resources import files
from itertools import pairwise
from typing import Final

_UNIT_WORDS: Final = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
eighteen nineteen
"""
_TEN_WORDS: Final = "twenty thirty forty fifty sixty seventy eighty ninety"
_UNITS: Final = _UNIT_WORDS.split()
_TENS: Final = _TEN_WORDS.split()
_DIGITS: Final = frozenset(_UNITS[1:10])
_NUMBERS: Final = (
    {word: str(value) for value, word in enumerate(_UNITS)}
    | {word: str(10 * value) for value, word in enumerate(_TENS, start=2)}
    | {
        "twice": "2",
        "double": "2",
        "doubled": "2",
        "pair": "2",
        "triple": "3",
        "thrice": "3",
        "half": "2",
        "halves": "2",
        "third": "3",
        "thirds": "3",
        "quarter": "4",
        "quarters": "4",
        "fourth": "4",
        "fifth": "5",
        "fifths": "5",
        "sixth": "6",
        "decade": "10",
        "dozen": "12",
        "hundred": "100",
        "thousand": "1000",
    }
)
_FUNCTION_TEXT: Final = """
a an the of and or to in on at by for with from as is are was were be been being has have had do does did will would
can could
shall should may might must it its he she they them his her their him i you we our your my this that these those there
here then
than so if when while after before into over out up down off each every all any some no not only both more most how
many much what
which who where why let given find determine compute calculate such also per one other total number value following
first second
suppose assume denote whose about between during get gets got
"""
FUNCTION_WORDS: Final = frozenset(_FUNCTION_TEXT.split())
_STEM: Final = 6
_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?")


@cache
def _synonyms() -> dict[str, str]:
    """Word -> the first word of its line in `synonyms.txt`: what a reworded text uses for one another."""
    found: dict[str, str] = {}
    for line in files("or1_data.text").joinpath("synonyms.txt").read_text(encoding="utf-8").splitlines():
        head, *others = line.split()
        for word in (head, *others):
            found.setdefault(word, head)
    return found


@lru_cache(maxsize=1 << 17)
def _stem(word: str) -> str:
    if word in _synonyms():
        return f"~{_synonyms()[word]}"
    for ending in ("ing", "ies", "ed", "es", "s", "ly"):
        if len(word) > len(ending) + 3 and word.endswith(ending):
            word = word[: -len(ending)]
            break
    return word[:_STEM]


def content_words(tokens: list[str]) -> list[str]:
    """Stems of the words that carry content, synonyms as one; function words and single letters go, commands stay."""
    return [
        token if token[0] == "\\" else _stem(token)
        for token in tokens
        if len(token) > 1
        and (token[0] == "\\" or token.isalpha())
        and token not in FUNCTION_WORDS
        and token not in _NUMBERS
    ]


def numbers(tokens: list[str]) -> Counter[str]:
    """The multiset of numbers, spelled ones included: `1.50` is `1.5`, `three` is `3`, `twenty-five` is `25`."""
    return Counter(number_sequence(tokens))


def number_sequence(tokens: Iterable[str]) -> list[str]:
    """The numbers in order, as `numbers` counts them."""
    found: list[str] = []
    tens = ""
    for token in tokens:
        if _NUMBER.fullmatch(token):
            whole, _, fraction = token.partition(".")
            fraction = fraction.rstrip("0")
            found.append((whole.lstrip("0") or "0") + (f".{fraction}" if fraction else ""))
        elif token in _NUMBERS:
            spelled = _NUMBERS[token]
            if tens and token in _DIGITS:
                found.pop()
                spelled = str(int(tens) + int(spelled))
            found.append(spelled)
            tens = spelled if token in _TENS else ""
            continue
        if token != "-":
            tens = ""
    return found


def number_similarity(one: Counter[str], other: Counter[str]) -> float:
    """Jaccard similarity of the multisets; two texts without numbers agree."""
    union = (one | other).total()
    return (one & other).total() / union if union else 1.0


def inclusion(part: Counter[str], whole: Counter[str]) -> float:
    """Share of `part` that `whole` has; 1 where there is nothing to have."""
    return (part & whole).total() / part.total() if part else 1.0


def masked(tokens: list[str]) -> list[str]:
    """The tokens with every number, digits or word, replaced by one sign."""
    return ["0" if token[0].isdigit() or token in _NUMBERS else token for token in tokens]


def word_pairs(words: list[str]) -> list[str]:
    """Words that stand next to each other or with one between them, in either order: a reworded text keeps many."""
    near = [*pairwise(words), *zip(words, words[2:], strict=False)]
    return [" ".join(sorted(pair)) for pair in near]
