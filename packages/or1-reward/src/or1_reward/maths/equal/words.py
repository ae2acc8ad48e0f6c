"""Answers that are words: choice letters, yes and no, true and false."""

from __future__ import annotations

import re
from typing import Final

from or1_reward.maths.equal.letter_runs import compare_runs
from or1_reward.maths.equal.measures import compare_compounds
from or1_reward.maths.equal.numerals import compare_numerals
from or1_reward.maths.equal.sentences import compare_sentences
from or1_reward.maths.parse.phrases import plain_words

_LETTER: Final = re.compile(r"\(?([A-J])\)?")
_CHOICE: Final = re.compile(
    r"(?:(?:the )?(?:correct |right |final )?(?:answer|option|choice)(?: is)?[ :]*)?"
    r"(?:(?:for sure|definitely|clearly) )?"
    r"\(?([A-J])(?:\)|[.:,]|\)[.:,]|$)(?=\s|$|\\|[a-zA-Z0-9$-])",
    re.IGNORECASE,
)
_BARE_LETTER: Final = re.compile(r"[({\s]*([A-Ja-j])[)}.\s]*")
_CHOICES_NAMED: Final = re.compile(
    r"(?<![A-Za-z0-9\\])(?:\(([A-J])\)|([A-HJ])(?:(?=[.:,;/)])|(?=\s*$)|(?=\s(?!\s*[a-z]))))"
)
_CLAIMED: Final = re.compile(
    r"\b(?:is|it['’]s|be|choose|choice|option|answer|pick|select)(?:[ :]+\(?|\()([A-J])\)?(?:[.,;]"
    r"|\s+is\s+(?:the\s+)?(?:correct|right)(?:\s+\w+)?\.?)?\s*$|\b([A-J])\)?\s+is\s+(?:the\s+)?(?:correct"
    r"|right)(?:\s+\w+)?\.?$",
    re.I,
)
_DENIAL: Final = re.compile(r"(?:\b(?:not|never|cannot|neither)\b|n['’]t\b)[^.;,]*", re.IGNORECASE)
_LONGEST: Final = 300  # of what is taken for words
_POLAR: Final = frozenset(("yes", "no", "true", "false"))
_POLAR_VALUE: Final = {"yes": True, "true": True, "no": False, "false": False}
_FIRST_WORD: Final = re.compile(r"([A-Za-z]+)(?![A-Za-z])")
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z' -]*[A-Za-z]")
_ANNOUNCED: Final = re.compile(
    r"(?:\\text\{\s*)?(?:the )?(?:final )?(?:answer|ans)\b(?: is)?\s*[:=]?\s*\}?\s*(?=[^\s=:}])", re.IGNORECASE
)
_LABEL: Final = re.compile(
    r"\\(?:text(?:bf)?|mathbf|mathrm)\{\s*\(?[A-E](?:\)|\.)\s*\}(?:\s|\\[ ,;:]|~|\\q?quad)*"
    r"|\\textbf\{\s*[A-E]\s*\}(?:\s|\\[ ,;:]|~|\\q?quad)+(?=[\d\\-])"
    r"|\(?[A-E]\)(?:\s|\\[ ,;:]|~|\\q?quad)+|[A-E][.:](?:\s"
    r"|\\[ ,;:]|~|\\q?quad)+"
)


def compare(answer: str, gold: str) -> bool | None:
    """True or False where the gold is a word of one of these kinds, else None."""
    letter = _LETTER.fullmatch(gold)
    if letter:
        return _letter(answer, letter[1])
    if max(len(answer), len(gold)) > _LONGEST:
        return None
    for rule in (compare_runs, compare_numerals, compare_compounds, compare_sentences):
        if (found := rule(answer, gold)) is not None:
            return found
    lowered = gold.casefold().rstrip(".")
    if gold in ("Y", "N") and answer.casefold().rstrip(".") in _POLAR:
        return _POLAR_VALUE[answer.casefold().rstrip(".")] == (gold == "Y")
    if lowered in _POLAR:
        first = _FIRST_WORD.match(answer.lstrip("({"))
        return None if first is None else _polar(answer, first[1].casefold(), lowered)
    if _WORD.fullmatch(gold) and _WORD.fullmatch(answer):
        return plain_words(answer) == plain_words(gold) or None
    return None


def without_label(answer: str) -> str:
    r"""`\textbf{(B) } 12` without the letter of the choice that it repeats, `Answer: 9` without the word."""
    if announced := _ANNOUNCED.match(answer):
        answer = answer[announced.end() :]
    rest = _LABEL.sub("", answer, count=1) if _LABEL.match(answer) else answer
    return rest or answer


def labeled_choice(text: str) -> tuple[str, str] | None:
    r"""Letter and value of `\text{(C) } 12`; None of texts without a label in front of something."""
    match = _LABEL.match(text)
    letter = re.search(r"\b([A-E])\b", match[0]) if match else None
    return (letter[1], text[match.end() :]) if match and letter and text[match.end() :].strip() else None


def choice_letter(text: str) -> str | None:
    r"""The letter that a text is (`C`, `\text{(C)}`), None of anything else."""
    match = re.fullmatch(r"(?:\\text(?:bf)?\s*\{)?\s*\(?([A-E])\)?\s*\}?", text.strip())
    return match[1] if match else None


def _letter(answer: str, letter: str) -> bool | None:
    """Whether the choice named is `letter`; naming two choices is naming none, denying one is naming the other."""
    if bare := _BARE_LETTER.fullmatch(answer):
        return bare[1].upper() == letter
    claimed = _DENIAL.sub(" ", answer)
    named = {first or second for first, second in _CHOICES_NAMED.findall(claimed)}
    if len(named) > 1:
        return False
    found = _CHOICE.match(claimed)
    if found and (len(claimed) == len(found[0]) or claimed[found.end(1) : found.end(1) + 1] in ").:,"):
        same_case = found[1] == letter or len(found[0]) > 1
        return found[1].upper() == letter and same_case
    said = _CLAIMED.search(claimed) if named or " is " in claimed else None
    return None if said is None else (said[1] or said[2]) == letter


def _polar(answer: str, first: str, gold: str) -> bool:
    others = {word.casefold() for word in re.findall(r"[A-Za-z]+", answer)} & _POLAR
    return first == gold and others == {gold}
