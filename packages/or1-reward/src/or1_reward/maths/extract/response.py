r"""Which part of a response is its answer, and which rule found it.

Rules, first that applies: the last `\boxed{}` (neighbours joined by commas, and, or are one list of answers),
`<answer>`, `####`, "the answer is", a response that is nothing but an answer, the last formula or number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final

from or1_reward.maths.extract.boxes import BOX, Extraction, boxed

MAX_SCAN_CHARS: Final = 64_000  # answers stand at the end


_ANSWER_TAG: Final = re.compile(r"<answer>(.*?)</answer>", re.DOTALL | re.IGNORECASE)
_HASHES: Final = re.compile(r"####[ \t]*([^\n]+)")
_PHRASE: Final = re.compile(
    r"(?:(?:final|correct)\s+(?:answer|solution|result)|answer|respuesta|réponse|reponse|antwort|risposta|resposta|ответ)"
    r"(?:\s+is|\s+are|\s+should\s+be|\s+must\s+be|\s+will\s+be|\s+would\s+be)?\s*[:：]?\s*(?:is|are)?\s*[:：]?\*{0,2}(?=[\s$\\(\"'*\d+\-.:]|$)"
    r"|(?:option|choice)\s+(?:is\s+)?(?=\(?[A-J]\b)|(?:^|\n)\s*A\s*[:：]|答案(?:是|为|為|：|:)*|(?:the\s+)?(?:value|result|solution)\s+is\b",
    re.IGNORECASE,
)
_CUES: Final = (
    "answer", "solution", "result", "value", "option", "choice", "respuesta", "réponse", "reponse", "antwort",
    "risposta", "resposta", "ответ", "答案", ":", "：",
)  # fmt: skip
"""One of these is in whatever `_PHRASE` finds; a short answer mostly has none, and is spared the search."""
_FINAL: Final = re.compile(r"final\s+answer\s*(?:is\s*:?|:)\*{0,2}\s*", re.IGNORECASE)
_NEGATION: Final = re.compile(
    r"(?:(?:certainly|definitely|clearly|probably)\s+)?(?:not|never|neither)\b", re.IGNORECASE
)
_NEGATED: Final = re.compile(
    r"(?:\b(?:not|never|neither|nor|cannot|rather than|instead of|other than|except|unlike)|n['’]t)"
    r"(?:\s+(?:be|been|is|equal|equals|to|just|simply|only|the|answer|in fact))*\s*[\s$(*\"]*"
    r"(?:\\?[A-Za-z]{1,8}\s*=\s*)?[\s$(*\"]*$",
    re.IGNORECASE,
)
_STOP: Final = re.compile(r"<\|[^|>]*\|>|</s>|<\|endoftext\|>|\bI hope it is correct\b.*", re.DOTALL | re.IGNORECASE)
_SENTENCE_END: Final = re.compile(r"(?<!\d)\.(?=\s|$)|(?<=\d)\.(?=\s|$)|\n\s*\n|\n(?=\S)")
_FORMULA: Final = re.compile(
    r"\$\$(?P<a>.+?)\$\$|\\\[(?P<b>.+?)\\\]|\\\((?P<c>.+?)\\\)|(?<!\\)\$(?P<d>[^$]+?)(?<!\\)\$|"
    r"\\begin\{(?:equation|align)\*?\}(?P<e>.+?)\\end\{(?:equation|align)\*?\}",
    re.DOTALL,
)
_NUMBER: Final = re.compile(
    r"(?<![A-Za-z0-9_.])(?P<sign>[-+−]?)(?P<money>[$€£¥]?\s?)(?P<body>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d{1,2}:\d{2}(?!\d)|(?:\d+\s+)?\d+\s*/\s*\d+|\d*\.?\d+(?:[eE][+-]?\d+)?)"
    r"(?P<percent>\s?\\?%|\s?\$|\s?€)?(?![\d/])"
)
_PROSE: Final = re.compile(r"[A-Za-z]{2,}[,.]?\s+[A-Za-z]{2,}")
_CJK: Final = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")
_LABELLED: Final = re.compile(r"\(?[A-J][).:]\s")
_COMMON_WORD: Final = re.compile(
    r"\b(?:so|we|get|the|is|it|its|are|then|thus|hence|therefore|answer|that|this|there|have|has|because|since|to|of|by|as|"
    r"choose|option|with|be|not)\b",
    re.IGNORECASE,
)
_BARE_CHARS: Final = 400
_SHORT_CHARS: Final = 120
_DENIAL_CHARS: Final = 60

Acceptable = Callable[[str], bool]


def extract(text: str, acceptable: Acceptable, *, boxed_only: bool = False) -> Extraction | None:
    """The answer of a response, None where there is none.

    Args:
        text: the response behind its reasoning part.
        acceptable: whether a piece of text is an answer by itself (it parses).
        boxed_only: take a box or nothing.
    """
    text = text[-MAX_SCAN_CHARS:].replace("\x00", " ")
    in_box = boxed(text)
    if boxed_only:
        return in_box
    if in_box is None and (opened := list(BOX.finditer(text))) and "}" not in text[opened[-1].end() :]:
        return None  # cut off in its box
    if in_box:
        return _restated(text[text.rfind("\\boxed") :], acceptable) or in_box
    text = _STOP.sub("", text).strip()
    for rule in (_tagged, _hashed):
        if found := rule(text):
            return found
    bare = len(text) <= _BARE_CHARS and not _prose(text) and acceptable(text)
    if bare or (len(text) <= _SHORT_CHARS and _LABELLED.match(text)):
        return Extraction(text, "whole response")
    return _phrased(text, acceptable) or _last(text)


def _restated(text: str, acceptable: Acceptable) -> Extraction | None:
    """The formula or number that "the final answer is" states behind the last box: the response's last word."""
    for match in reversed(list(_FINAL.finditer(text))):
        sentence = _first_sentence(_STOP.sub("", text[match.end() :]).strip().lstrip(":*_ \"'"))
        if not _NEGATION.match(sentence) and (found := _opening(sentence)) and acceptable(found):
            return Extraction(found, f"behind {match[0].strip()!r}")
    return None


def _opening(sentence: str) -> str | None:
    """The formulas or the number that a sentence begins with."""
    opening = _run_of_formulas(sentence, first=True)
    if opening and opening[0] == 0:
        return opening[1]
    number = _NUMBER.match(sentence)
    return _number_text(number) if number else None


def _tagged(text: str) -> Extraction | None:
    found = _ANSWER_TAG.findall(text)
    return Extraction(found[-1].strip(), "<answer> tag") if found and found[-1].strip() else None


def _hashed(text: str) -> Extraction | None:
    found = _HASHES.findall(text)
    return Extraction(found[-1].strip(), "####") if found else None


def _phrased(text: str, acceptable: Acceptable) -> Extraction | None:
    """What follows the last "the answer is" (or its like), up to the end of its sentence."""
    folded = text.casefold()
    if not any(cue in folded for cue in _CUES):
        return None
    for match in reversed(list(_PHRASE.finditer(text))):
        rest = text[match.end() :].strip().lstrip(":*_ \"'")
        if not rest:
            continue
        sentence = _first_sentence(rest)
        if _NEGATION.match(sentence) or _denied(text, match.start()):
            continue
        if found := _within(sentence, acceptable):
            return Extraction(found, f"behind {match[0].strip()!r}")
    return None


def _first_sentence(text: str) -> str:
    depth_safe = re.sub(r"\\\[.*?\\\]|\$\$.*?\$\$", lambda block: block[0].replace("\n", " "), text, flags=re.DOTALL)
    match = _SENTENCE_END.search(depth_safe)
    return (depth_safe[: match.start()] if match else depth_safe).strip().strip("*_\"' ").removesuffix("\\")


def _within(sentence: str, acceptable: Acceptable) -> str | None:
    """The answer inside of one sentence: all of it, its formulas, its money, its only or last number."""
    if not _prose(sentence) and (acceptable(sentence) or _LABELLED.match(sentence)):
        return sentence
    opening = _run_of_formulas(sentence, first=True)
    if opening and opening[0] == 0:
        return opening[1]
    found = _last(sentence)
    if found is None or found.rule != "last number":
        return found and found.text
    numbers = [number for number in _NUMBER.finditer(sentence) if not _denied(sentence, number.start())]
    money = [number for number in numbers if "$" in number[0] or "€" in number[0]]
    if money:
        return _number_text(money[-1])
    if numbers[0].start() == 0 and re.match(r"\d", sentence):
        hedged = re.match(r"[^A-Za-z]*(?:or|and)\s[^A-Za-z]*", sentence)
        return hedged[0].strip() if hedged else _number_text(numbers[0])
    return _number_text(numbers[-1])


def _run_of_formulas(text: str, *, first: bool = False) -> tuple[int, str] | None:
    """The last (or first) formula with those it is joined to by commas, and, or: `$1$ and $2$` is one list."""
    found = [
        match
        for match in _formulas(text)
        if first or (_says_something(_content(match)) and not _denied(text, match.start()))
    ]
    if not found:
        return None
    run = [found.pop(0 if first else -1)]
    while found and first and _JOINT.fullmatch(text[run[-1].end() : found[0].start()]):
        run.append(found.pop(0))
    while found and not first and _JOINT.fullmatch(text[found[-1].end() : run[0].start()]):
        run.insert(0, found.pop())
    return run[0].start(), " , ".join(map(_content, run))


_JOINT: Final = re.compile(r"\s*(?:,|;|,?\s*\b(?:and|or)\b)\s*", re.IGNORECASE)


def _formulas(text: str) -> Iterator[re.Match[str]]:
    """Formulas in order; `$18 a day, so she makes $36` holds two amounts of money and no formula."""
    at = 0
    while match := _FORMULA.search(text, at):
        inline = match["d"]
        if inline and inline[0].isdigit() and "\\" not in inline and _prose(inline):
            at = match.start() + 1
            continue
        yield match
        at = match.end()


def _content(formula: re.Match[str]) -> str:
    r"""What a formula says; of an alignment its last row, where derivations end."""
    content = next(part for part in formula.groups() if part).strip()
    if formula["e"] is None:
        return content
    rows = [row.replace("&", " ").strip() for row in content.split("\\\\")]
    return next((row for row in reversed(rows) if row), content)


def _says_something(formula: str) -> bool:
    r"""Whether a formula is more than a name (`$x$`, `$\angle ABC$`)."""
    return bool(re.search(r"[\d=<>]|\\(?!angle|triangle|text)|[(\[{].*,", formula))


def _last(text: str) -> Extraction | None:
    """The last formula that says something, or the last number, whichever comes later."""
    run = _run_of_formulas(text)
    spans = [match.span() for match in _formulas(text)]
    numbers = [
        match
        for match in _NUMBER.finditer(text)
        if not any(a <= match.start() < b for a, b in spans) and not _denied(text, match.start())
    ]
    if run and (not numbers or run[0] > numbers[-1].start()):
        return Extraction(run[1], "last formula")
    if numbers:
        return Extraction(_number_text(numbers[-1]), "last number")
    if (any_formula := _run_of_formulas(text, first=True)) and not _denied(text, any_formula[0]):
        return Extraction(any_formula[1], "last formula")
    return Extraction(text, "whole response") if text and len(text) <= _SHORT_CHARS and "\n" not in text else None


def _denied(text: str, at: int) -> bool:
    """Whether what stands at a place is said not to be the answer (`it is not 5`)."""
    return _NEGATED.search(text[max(0, at - _DENIAL_CHARS) : at]) is not None


def _number_text(match: re.Match[str]) -> str:
    percent = (match["percent"] or "").strip()
    body = re.sub(r"\s*/\s*", "/", match["body"])  # the blank of 1 1/2 stays
    return match["sign"] + body + (percent if "%" in percent else "")


def _prose(text: str) -> bool:
    """Whether a text is a sentence rather than a formula."""
    plain = re.sub(r"\\(?:text|textbf|mathrm|operatorname)\s*\{[^{}]*\}|[_^]\s*\{[^{}]*\}|\\[A-Za-z]+", " ", text)
    if _CJK.search(text) or _COMMON_WORD.search(plain):
        return True
    return bool(_PROSE.search(plain)) and len(re.findall(r"[A-Za-z]{2,}", plain)) > 4
