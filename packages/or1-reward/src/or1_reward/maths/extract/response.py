r"""Which part of a response is its answer, and which rule found it.

Rules, first that applies: the last `\boxed{}` (neighbors joined by commas, and, or are one list of answers),
`<answer>`, `####`, "the answer is", a response that is nothing but an answer, what the last sentence says that
something is, the last formula or number. All of them take time linear in the response.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable
from typing import Final

from or1_reward.maths.extract.boxes import BOX, Extraction, boxed
from or1_reward.maths.extract.damage import repaired
from or1_reward.maths.extract.formulas import Formula, formulas
from or1_reward.maths.extract.phrases import last_final_phrases, last_phrases
from or1_reward.maths.extract.prose import begins_with_denial, first_sentence, is_denied, is_prose
from or1_reward.maths.parse.units import canonical_unit

MAX_SCAN_CHARS: Final = 64_000  # answers stand at the end

_HASHES: Final = re.compile(r"####[ \t]*+([^\n]+)")
_STOP: Final = re.compile(r"<\|[^|>]*+\|>|</s>|\bI hope it is correct\b.*", re.DOTALL | re.IGNORECASE)
_NUMBER: Final = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<sign>[-+−]?)(?P<money>[$€£¥]?\s?)(?P<body>\d{1,3}(?:,\d{3})++(?:\.\d++)?|\d{1,2}:\d{2}(?!\d)|(?:\d++\s{1,9})?\d++\s{0,9}/\s{0,9}\d++|(?:\d++(?:\.\d++)?|\.\d++)(?:[eE][+-]?\d++)?)"
    r"(?P<percent>\s?\\?%|\s?\$|\s?€)?(?![\d/])"
)
_LABELED: Final = re.compile(r"\(?[A-J][).:]\s")
_CHOICE: Final = re.compile(r"[*_\s]*(?:option|choice)?\s*\(?[A-J](?:\)|[.,:;]|\b(?!\s*[a-z=+*/^-]))", re.IGNORECASE)
_CHOSEN: Final = re.compile(
    r"[*_\s]*(?:[Oo]ption|[Cc]hoice)?\s*\(?([A-J])\)?[*_]*(?:\s+is\s+(?:the\s+)?(?:correct|right)\b|,?\s+(?:since|because)\b)"
)
_CONCLUSION: Final = re.compile(
    r"(?:so|thus|hence|therefore|then|finally|and|we\s+(?:get|have|find|obtain|conclude)|this\s+gives|which\s+gives|it\s+follows|that)"
    r"[,:]?\s+",
    re.IGNORECASE,
)
_COPULA: Final = re.compile(
    r"\b(?:is|are|equals|becomes|be|est|sont|is\s+equal\s+to|equal\s+to|comes\s+to|given\s+by|has\s+(?:length|area|volume|value)"
    r"|lies\s+in)[:\s]+(?:(?:therefore|thus|then|exactly|simply|just)\s+)?(?=\S)",
    re.IGNORECASE,
)
_MATHEMATICAL: Final = re.compile(
    r"\\[A-Za-z]|[√π²³]|\bsqrt\b|[\[(]\s*-?\d+(?:\.\d+)?\s*,|\d\s*(?:,|and|or)\s*-?\d|[\^=√]|[A-Za-z)\d]\s*[-+*/]\s*[A-Za-z(\d]"
)
_LAST_WORDS: Final = re.compile(r"\s([A-Za-z]{2,12}(?: [A-Za-z]{2,12})?)$")
_HEDGED: Final = re.compile(r"[^A-Za-z]*+(?:or|and)\s[^A-Za-z]*+")
_JOINT: Final = re.compile(r"\s*(?:,|;|,?\s*\b(?:and|or)\b)\s*", re.IGNORECASE)
_SAYS: Final = re.compile(r"[\d=<>√]|\\(?!angle|triangle|text)")
_ODD_BLANKS: Final = re.compile(r"[^\S \n]")
_LONG_BLANKS: Final = re.compile(r" {9,}")
_LONG_BREAKS: Final = re.compile(r"(?: {0,8}\n){3,}")
_EMPTY_BOX: Final = re.compile(r"`?\\boxed\s*\{\s*\}`?")
_INSTRUCTION: Final = re.compile(r"(?:in|as|below|here|into|inside|within|with|using)(?![A-Za-z])(?!\s*=)")
_BARE_CHARS: Final = 400
_SHORT_CHARS: Final = 120
_MOST_CANDIDATES: Final = 64  # formulas or numbers looked at, from the end

Acceptable = Callable[[str], bool]


def extract(text: str, acceptable: Acceptable, *, boxed_only: bool = False) -> Extraction | None:
    """The answer of a response, None where there is none.

    Args:
        text: the response behind its reasoning part.
        acceptable: whether a piece of text is an answer by itself (it parses).
        boxed_only: take a box or nothing.
    """
    text = _squeezed(repaired(text[-MAX_SCAN_CHARS:]))
    in_box = boxed(text)
    if boxed_only:
        return in_box
    if in_box is None and (opened := list(BOX.finditer(text))) and _is_cut_off(text[opened[-1].end() :]):
        return None
    if in_box:
        return _restated(text[text.rfind("\\boxed") :], acceptable) or in_box
    text = _EMPTY_BOX.sub(" ", _STOP.sub("", text)).strip()
    for rule in (_tagged, _hashed):
        if found := rule(text):
            return found
    bare = len(text) <= _BARE_CHARS and not is_prose(text) and acceptable(text)
    if bare or (len(text) <= _SHORT_CHARS and _LABELED.match(text.lstrip("*_ "))):
        return Extraction(text, "whole response")
    return _phrased(text, acceptable) or _concluded(text, acceptable) or _last(text)


def _squeezed(text: str) -> str:
    """Long runs of blanks shortened: no rule may search them again and again."""
    return _LONG_BREAKS.sub("\n\n", _LONG_BLANKS.sub("        ", _ODD_BLANKS.sub(" ", text)))


def _is_cut_off(behind: str) -> bool:
    """Whether a response ends inside of its last box."""
    return behind.lstrip().startswith("{") and "}" not in behind


def _restated(text: str, acceptable: Acceptable) -> Extraction | None:
    """The formula, number or choice that "the final answer is" states behind the last box: the response's last word."""
    for match in last_final_phrases(text):
        sentence = first_sentence(_STOP.sub("", text[match.end() : match.end() + 4_000]).strip().lstrip(":*_ \"'"))
        if begins_with_denial(sentence):
            continue
        found = _opening(sentence) or (sentence if _CHOICE.fullmatch(sentence) else None)
        if found and "\\boxed" not in found and (acceptable(found) or _CHOICE.fullmatch(found)):
            return Extraction(found, f"behind {match[0].strip()!r}")
    return None


def _opening(sentence: str) -> str | None:
    """The formulas or the number that a sentence begins with."""
    opening = _first_formulas(sentence)
    if opening and opening[0] == 0:
        return opening[1]
    number = _NUMBER.match(sentence)
    return _number_text(number) if number else None


def _tagged(text: str) -> Extraction | None:
    folded = text.casefold()
    end = folded.rfind("</answer>")
    start = folded.rfind("<answer>", 0, end) if end >= 0 else -1
    content = text[start + len("<answer>") : end].strip() if start >= 0 else ""
    return Extraction(content, "<answer> tag") if content else None


def _hashed(text: str) -> Extraction | None:
    found = _HASHES.findall(text)
    return Extraction(found[-1].strip(), "####") if found else None


def _phrased(text: str, acceptable: Acceptable) -> Extraction | None:
    """What follows the last "the answer is" (or its like), up to the end of its sentence."""
    for match in last_phrases(text):
        rest = text[match.end() : match.end() + 4_000].strip().lstrip(":：*_ \"'")
        if not rest:
            continue
        sentence = first_sentence(rest)
        if begins_with_denial(sentence) or is_denied(text, match.start()) or _INSTRUCTION.match(sentence):
            continue
        if found := _within(sentence, acceptable):
            return Extraction(found, f"behind {match[0].strip()!r}")
    return None


def _concluded(text: str, acceptable: Acceptable) -> Extraction | None:
    r"""The formula that the last sentence ends in: "so the diagonal is \sqrt{23}", "hence x = 2 or x = 3"."""
    line = text.rstrip(" .*_\n").rpartition("\n")[2]
    sentence = line[max(0, max(line.rfind(end) for end in (". ", "。")) + 1) :].strip()
    if not sentence or len(sentence) > _BARE_CHARS or "$" in sentence or "\\(" in sentence:
        return None
    tails = [sentence[match.end() :] for match in _COPULA.finditer(sentence)][::-1]
    while (lead := _CONCLUSION.match(sentence)) is not None:
        sentence = sentence[lead.end() :]
    for tail in (*map(_without_unit, tails), sentence):
        if _MATHEMATICAL.search(tail) and not is_prose(tail) and acceptable(tail) and not begins_with_denial(tail):
            return Extraction(tail, "end of the last sentence")
    return None


def _without_unit(tail: str) -> str:
    r"""A formula without the unit in words behind it (`2\pi units`)."""
    match = _LAST_WORDS.search(tail)
    return tail[: match.start()] if match and canonical_unit(match[1]) is not None else tail


def _within(sentence: str, acceptable: Acceptable) -> str | None:
    """The answer inside of one sentence: all of it, its formulas, its money, its only or last number."""
    if not is_prose(sentence) and (acceptable(sentence) or _LABELED.match(sentence)):
        return sentence
    opening = _first_formulas(sentence)
    if opening and opening[0] == 0:
        return opening[1]
    if chosen := _CHOSEN.match(sentence):
        return chosen[1]
    if (choice := _CHOICE.match(sentence)) and ")" in choice[0]:
        return choice[0].strip(" *_")
    found = _last(sentence)
    if found is None or found.rule != "last number":
        return found and found.text
    numbers = [number for number in _NUMBER.finditer(sentence) if not is_denied(sentence, number.start())]
    money = [number for number in numbers if "$" in number[0] or "€" in number[0]]
    if money:
        return _number_text(money[-1])
    if numbers[0].start() == 0 and sentence[0].isdigit():
        hedged = _HEDGED.match(sentence)
        return hedged[0].strip() if hedged else _number_text(numbers[0])
    return _number_text(numbers[-1])


def _first_formulas(text: str) -> tuple[int, str] | None:
    """The first formula with those it is joined to by commas, and, or: `$1$ and $2$` is one list."""
    found = formulas(text)
    if not found:
        return None
    run = found[:1]
    for formula in found[1:]:
        if not _JOINT.fullmatch(text[run[-1].end : formula.start]):
            break
        run.append(formula)
    return run[0].start, _listed(run)


def _last_formulas(text: str, found: list[Formula]) -> tuple[int, str] | None:
    """The last formula that says something, with those it is joined to."""
    candidates = [
        one for one in found[-_MOST_CANDIDATES:] if _says_something(one.content) and not is_denied(text, one.start)
    ]
    if not candidates:
        return None
    run = candidates[-1:]
    for formula in candidates[-2::-1]:
        if not _JOINT.fullmatch(text[formula.end : run[0].start]):
            break
        run.insert(0, formula)
    return run[0].start, _listed(run)


def _listed(run: list[Formula]) -> str:
    return " , ".join(one.content for one in run)


def _says_something(formula: str) -> bool:
    r"""Whether a formula is more than a name (`$x$`, `$\angle ABC$`)."""
    brackets = [at for at in (formula.find(opener) for opener in "([{") if at >= 0]
    return bool(_SAYS.search(formula)) or (bool(brackets) and formula.rfind(",") > min(brackets))


def _last(text: str) -> Extraction | None:
    """The last formula that says something, or the last number, whichever comes later."""
    found = formulas(text)
    run = _last_formulas(text, found)
    number = _last_number(text, found)
    if run and (number is None or run[0] > number.start()):
        return Extraction(run[1], "last formula")
    if number is not None:
        return Extraction(_number_text(number), "last number")
    if found and (first := _first_formulas(text)) and not is_denied(text, first[0]):
        return Extraction(first[1], "last formula")
    return Extraction(text, "whole response") if text and len(text) <= _SHORT_CHARS and "\n" not in text else None


def _last_number(text: str, found: list[Formula]) -> re.Match[str] | None:
    """The last number outside of formulas that is not denied."""
    starts = [one.start for one in found]
    for match in list(_NUMBER.finditer(text))[: -_MOST_CANDIDATES - 1 : -1]:
        before = bisect_right(starts, match.start()) - 1
        inside = before >= 0 and match.start() < found[before].end
        if not inside and not is_denied(text, match.start()):
            return match
    return None


def _number_text(match: re.Match[str]) -> str:
    percent = (match["percent"] or "").strip()
    body = re.sub(r"\s*/\s*", "/", match["body"])  # the blank of 1 1/2 stays
    return match["sign"] + body + (percent if "%" in percent else "")
