r"""Notations with a spelling of their own, rewritten in the grammar's: `C_{10}^{4}`, `0.333\ldots`, `12'345`.

Nothing here drops content, with the exception of marks that say nothing about a value (tags, marks of a proof's end).
"""

from __future__ import annotations

import re
from typing import Final

from or1_reward.maths.parse.units import canonical_unit

_MARKS: Final = re.compile(
    r"\\(?:tag|label)\*?\s*\{[^{}]{0,40}\}|(?:\s|\\[ ,;]|\\q?quad){0,9}+(?:\\(?:checkmark|blacksquare|qed|Box"
    r"|square|qedsymbol)|[✓✔∎■□])[\s.]*$"
)
_APOSTROPHES: Final = re.compile(r"(?<![\d'])\d{1,3}(?:'\d{3})+(?![\d'])")
_TIMES_TEN: Final = re.compile(r"(?<=\d)\s*(?:[xX]|\\text\s*\{\s*[xX]\s*\})\s*(?=10\s*(?:\^|\*\*))")
_ENDLESS: Final = re.compile(
    r"(?<![\d.])(\d*)\.(\d{0,12}?)(\d{1,8}?)(\3{1,40})(\d{0,7})\s*(?:\.{3,}|\\(?:l|c)?dots(?:[bcm])?)(?![\d\w])"
)
_DOTS: Final = re.compile(r"\.{3,}")
_PERIOD_IN_BRACKETS: Final = re.compile(r"(?<![\d.\w])(\d*\.\d*)\((\d{1,12})\)(?![\d^!])")
_DOTTED: Final = re.compile(r"(\d*\.\d*)\\dot\s*\{?(\d)\}?((?:\d*\\dot\s*\{?\d\}?)?)(?!\d)")
_NUMERAL: Final = r"(?:\{\s*(\d{1,6})\s*\}|(\d))"
_CHOOSE: Final = (
    (re.compile(rf"(?<![A-Za-z\\}}])C\s*_\s*{_NUMERAL}\s*\^\s*{_NUMERAL}"), "choose"),
    (re.compile(rf"(?<![A-Za-z\\}}])C\s*\^\s*{_NUMERAL}\s*_\s*{_NUMERAL}"), "chosen"),
    (re.compile(rf"(?:\{{\s*\}})?\s*(?:_|\^)\s*{_NUMERAL}\s*C\s*_\s*{_NUMERAL}"), "choose"),
    (re.compile(r"(?<![\w\\])()(\d{1,6})\s*C\s*()(\d{1,6})(?![\w])"), "choose"),
    (re.compile(r"(?<![\w\\])C\s*\(\s*()(\d{1,6})\s*,\s*()(\d{1,6})\s*\)"), "choose"),
    (re.compile(rf"(?<![A-Za-z\\}}])[AP]\s*_\s*{_NUMERAL}\s*\^\s*{_NUMERAL}"), "arrange"),
    (re.compile(rf"(?:\{{\s*\}})?\s*(?:_|\^)\s*{_NUMERAL}\s*P\s*_\s*{_NUMERAL}"), "arrange"),
)
_CIRCLED: Final = {chr(0x2460 + at): at + 1 for at in range(20)}
_CIRCLED_RUN: Final = re.compile(f"[{''.join(_CIRCLED)}](?:[\\s,;、，和与及]*[{''.join(_CIRCLED)}])*")
_BRACED_LETTER: Final = re.compile(r"(?<![A-Za-z}*])\{([A-Za-z])\}(?=\s*_)")
_HOUR: Final = re.compile(r"(?<=\d)\s*\{:\}\s*(?=\d\d)")
_ORDINAL: Final = re.compile(
    r"(?<![\d.\w])(\d{1,9})\s*(?:\^?\{?\\(?:text|mathrm|textsuperscript)\{\s*(?:st|nd|rd|th)\s*\}\}?|\^\{(?:st|nd|rd|th)\}|(?:st|nd|rd|th)(?![a-z]))"
)
_MODULO_TEXT: Final = re.compile(
    r"\(?\s*\\(?:text|mathrm)\s*\{\s*\(?\s*mod(?:ulo)?\s*\}\s*(\w+)\s*\)?|\\(?:text|mathrm)\s*\{\s*\(?\s*mod(?:ulo)?\s*(\w+)\s*\)?\s*\}"
)
_TRAILING_TEXT: Final = re.compile(r"\(\s*\\(?:text|mathrm)\s*\{([^{}]{1,30})\}\s*\)\s*$")
_FONTS: Final = r"\\(?:mathbf|hat|vec|boldsymbol|bm|textbf|overrightarrow|widehat)"
_UNIT_VECTOR: Final = re.compile(
    rf"{_FONTS}\s*\{{\s*{_FONTS}\s*\{{\s*\\?([ijk])(?:math)?\s*\}}\s*\}}|{_FONTS}\s*\{{\s*(?:{_FONTS}\s+)?\\?([ijk])(?:math)?\s*\}}"
    rf"|{_FONTS}\s+([ijk])(?![a-z])|{_FONTS}\s*\\([ij])math(?![a-z])"
)
_CURRENCY: Final = re.compile(
    r"^(?:\\(?:text|mathrm|textrm)\s*\{\s*(?:Rs\.?|USD|US|INR|EUR|GBP|RMB|CNY|AUD|CAD|JPY|HKD?|SGD?"
    r"|NT)\s*\\?\$?\s*\}|(?:Rs\.?|USD|INR|EUR|GBP|RMB|CNY|AUD|CAD)(?=[\s\\~\d]))(?:[\s~]|\\["
    r" ,;])*(?=[-+\d\\])"
)
_TRANSPOSED: Final = re.compile(
    r"([)\]]|\\end\{[bpv]?matrix\})\s*\^\s*(?:\{\s*(?:\\(?:top|intercal|(?:mathsf|mathrm|text|rm)\s*\{?T\}?)|T|t)\s*\}|\\top|\\intercal|T|\\(?:mathsf|mathrm)\s*\{?T\}?)"
    r"|(?<=\))'(?=\s*$)"
)
_WORDS_OF_CHINESE: Final = (
    (
        re.compile(
            r"\\(?:text|mathrm|mbox)\s*\{\s*(或者?|且|和|以及)\s*\}|(?<=[\d\w)}\]\s])(或者?|且|和|以及)(?=[\d\w\\({\[\s-])"
        ),
        {"或": " or ", "且": " and ", "和": " and ", "以": " and "},
    ),
)
_END: Final = r"[^\[\](),;]{1,40}"
_OUTWARD_ONE: Final = re.compile(rf"([\[\]])\s*({_END})[,;]({_END})([\[\]])")
_OUTWARD: Final = re.compile(
    rf"(?=.*(?:^|[^\w)}}\s])\s*\]|.*\[\s*$)(?:[a-z]\s*\\in\s*)?[\[\]]{_END}[,;]{_END}[\[\]](?:\s*\\cup\s*[\[\]]{_END}[,;]{_END}[\[\]])*\s*"
)
_CHOICE_FONT: Final = re.compile(
    r"\\(?:mathrm|mathbf|text|operatorname)\s*\{\s*([CPA])\s*\}(?=\s*(?:[_^]\s*\{?\d|\(\s*\d+\s*,))"
)
_GAMMA: Final = re.compile(r"\\Gamma\s*\(\s*(\d{1,6})\s*\)")
_ZEROS: Final = re.compile(
    r"(?<![\d.])([1-9]\d*)\s*\\underbrace\s*\{\s*0+\s*\\[cl]?dots\s*0+\s*\}\s*_\s*\{\s*(\w+)\s*(?:\\text\s*\{[^{}]*\})?\s*\}"
)
_CONTINUED: Final = re.compile(r"\\\\\s*&?\s*(?==)")
_APART: Final = re.compile(r"(?<=\d)()\s*\\q?quad\s*(?=-?\d)")
_MICRO: Final = re.compile(r"\\mu\s*\\(?:text|mathrm)\s*\{\s*([A-Za-z]{1,3})\s*\}")
_UNIT_NAME: Final = r"\\(?:text|mathrm)\s*\{\s*([A-Za-z]{1,4})\s*\}"
_UNIT_POWER: Final = r"(?:\s*\^\s*\{?\s*-?\d\s*\}?)?"
_UNIT_JOINT: Final = r"(?:/|\\cdot|\\[, ;]|\s)*"
_UNIT_PIECE: Final = re.compile(rf"({_UNIT_JOINT}){_UNIT_NAME}({_UNIT_POWER})")
_UNIT_PRODUCT: Final = re.compile(rf"{_UNIT_NAME}{_UNIT_POWER}(?:{_UNIT_JOINT}{_UNIT_NAME}{_UNIT_POWER}){{1,4}}")
_UNIT_FRACTION: Final = re.compile(
    r"\\[dt]?frac\s*\{\s*\\(?:text|mathrm)\s*\{\s*([A-Za-z]{1,4})\s*\}\s*\}\s*\{\s*\\(?:text|mathrm)\s*\{\s*([A-Za-z]{1,4})\s*\}\s*(?:(\^\{?\d\}?))?\s*\}"
)
_UNIT_BEHIND: Final = re.compile(
    r"(\s*(?:[A-Za-z]\s*=\s*)?-?(?:\d[\d,]*(?:\.\d+)?|\\[dt]?frac\s*\{\d+\}\s*\{\d+\}))\s+"
    rf"((?:m|[A-Za-z]{{1,3}}(?=[^/]*/)){_UNIT_POWER}(?:\s*/\s*[A-Za-z]{{1,3}}{_UNIT_POWER})?)\s*\.?\s*"
)
_HALF_DAY: Final = re.compile(r"(?<=\d)()\s*([ap])\.\s?m\.?(?![a-z])")
_FRENCH: Final = re.compile(r"\\text\s*\{\s*(ou|et|oder|und|y|o)\s*\}")


def rewritten(text: str) -> str:
    """The text with its special notations rewritten."""
    text = _MARKS.sub("", text)
    if "'" in text:
        text = _APOSTROPHES.sub(lambda match: match[0].replace("'", ""), text)
    if "." in text:
        text = _repeating(text)
    if "x" in text or "X" in text:
        text = _TIMES_TEN.sub(r" \\times ", text)
    if "C" in text or "P" in text or "A" in text:
        text = _CHOICE_FONT.sub(r"\1", text)
        for pattern, kind in _CHOOSE:
            text = pattern.sub(lambda match, kind=kind: _counted(match, kind), text)  # type: ignore[misc]
    if "_" in text:
        text = _BRACED_LETTER.sub(r"\1", text)
    if "\\" in text:
        text = _UNIT_VECTOR.sub(lambda match: f"\\vers{match[match.lastindex or 0]} ", text)
    if "^" in text or ")'" in text:
        text = _TRANSPOSED.sub(r"\1^{\\mathrm{transposed}}", text)
    text = _in_latex(_outward_brackets(_HOUR.sub(":", text)))
    text = _ORDINAL.sub(r"\1", text)
    if "\\" in text or text[:1].isalpha():
        text = _CURRENCY.sub("", _TRAILING_TEXT.sub(r"\\text{ \1}", text))
    return text if text.isascii() and "\\text" not in text else _other_languages(text)


def _outward_brackets(text: str) -> str:
    """`]1,3[` and `[1,3[`, as French schools write open ends, with round brackets."""
    if ("[" not in text and "]" not in text) or not _OUTWARD.fullmatch(text):
        return text
    return _OUTWARD_ONE.sub(
        lambda match: f"{'[' if match[1] == '[' else '('}{match[2]},{match[3]}{']' if match[4] == ']' else ')'}", text
    )


def _in_latex(text: str) -> str:
    """Notations with commands in them, and half days."""
    if "m" in text:
        text = _HALF_DAY.sub(r"\1 \\text{ \2m}", text)
    if (measured := _UNIT_BEHIND.fullmatch(text)) is not None:
        return _unit_behind(measured)
    if "\\" not in text:
        return text
    text = _GAMMA.sub(lambda match: f"({match[1]}-1)!", text)
    text = _ZEROS.sub(r"\1 \\cdot 10^{\2}", text)
    if "{aligned}" in text or "{align" in text or "{split}" in text:
        text = _CONTINUED.sub(" ", text)
    text = _APART.sub(r"\1 , ", text)
    text = _MICRO.sub(r"\\text{ μ\1}", text)
    return _UNIT_PRODUCT.sub(_unit_product, _UNIT_FRACTION.sub(r"\\text{ \1/\2\3}", text))


def _unit_behind(match: re.Match[str]) -> str:
    """`30 m/s` and `7 m^3` as a number and a text; a lone letter may be a variable."""
    unit = re.sub(r"[\s{}]", "", match[2])
    return f"{match[1]}\\text{{ {unit}}}" if len(unit) > 1 and canonical_unit(unit) is not None else match[0]


def _unit_product(match: re.Match[str]) -> str:
    r"""`\mathrm{m}\cdot\mathrm{s}^{-1}` as one text."""
    pieces = _UNIT_PIECE.findall(match[0])
    joined = "".join((("/" if "/" in joint else " ") + name + power) for joint, name, power in pieces).strip(" /")
    joined = re.sub(r"[\s{}]*\^[\s{}]*(-?\d)\}?", r"^\1", joined)
    return f"\\text{{ {joined}}}" if canonical_unit(joined) is not None else match[0]


def modulo_in_words(text: str) -> str:
    r"""`5 \text{ (mod } 7)` as `5 \pmod{7}`."""
    return _MODULO_TEXT.sub(lambda match: f"\\pmod{{{match[1] or match[2]}}}", text)


def _repeating(text: str) -> str:
    r"""`0.1666\ldots`, `0.1(6)` and `0.1\dot{6}` as `0.1\overline{6}`."""
    text = _PERIOD_IN_BRACKETS.sub(r"\1\\overline{\2}", text)
    if "\\dot" in text:
        text = _DOTTED.sub(lambda match: f"{match[1]}\\overline{{{re.sub(r'[^0-9]', '', match[2] + match[3])}}}", text)
    return _DOTS.sub(r" \\ldots ", _ENDLESS.sub(_period, text))


def _period(match: re.Match[str]) -> str:
    whole, before, period, repeats, rest = match.groups()
    count = 1 + len(repeats) // len(period)
    if not period.startswith(rest) or count < (3 if len(period) == 1 and before else 2):
        return match[0]
    return f"{whole or 0}.{before}\\overline{{{period}}}"


def _counted(match: re.Match[str], kind: str) -> str:
    first, second = (int(value) for value in ((match[1] or match[2]), (match[3] or match[4])))
    top, bottom = (second, first) if kind == "chosen" else (first, second)
    if top < bottom:
        return match[0]  # `C_1^2` is the square of a constant
    if kind == "arrange":
        return f"\\frac{{{top}!}}{{{top - bottom}!}}"
    return f"\\binom{{{top}}}{{{bottom}}}"


def _other_languages(text: str) -> str:
    """Connectives of other languages, and circled numbers."""
    for pattern, words in _WORDS_OF_CHINESE:
        text = pattern.sub(lambda match, words=words: words[(match[1] or match[2])[0]], text)  # type: ignore[misc]
    text = _FRENCH.sub(lambda match: " or " if match[1] in ("ou", "oder", "o") else " and ", text)
    return _CIRCLED_RUN.sub(
        lambda run: " , ".join(f"\\text{{circled {_CIRCLED[sign]}}}" for sign in run[0] if sign in _CIRCLED), text
    )
