"""The field's many spellings of one answer, brought to one before anything is parsed.

Nothing here drops content: only marks that carry no meaning in mathematics (delimiters, spacing, sizes, currency) go.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from or1_reward.maths.parse.notation import modulo_in_words, rewritten

_UNICODE: Final = {
    **dict.fromkeys("−–—‒―﹣－", "-"),
    **dict.fromkeys("×✕✖⨯", "\\times "),
    **dict.fromkeys("·⋅∙•", "\\cdot "),
    "÷": "\\div ",
    "∕": "/",
    "⁄": "/",
    "°": "^\\circ ",
    "º": "^\\circ ",
    "√": "\\sqrt ",
    "∛": "\\sqrt[3]",
    "π": "\\pi ",
    "∞": "\\infty ",
    "≤": "\\le ",
    "⩽": "\\le ",
    "≦": "\\le ",
    "≥": "\\ge ",
    "⩾": "\\ge ",
    "≧": "\\ge ",
    "≠": "\\ne ",
    "≈": "\\approx ",
    "≡": "\\equiv ",
    "∈": "\\in ",
    "∉": "\\notin ",
    "∪": "\\cup ",
    "∩": "\\cap ",
    "∅": "\\emptyset ",
    "∖": "\\setminus ",
    "±": "\\pm ",
    "∓": "\\mp ",
    "…": "\\ldots ",
    "⋯": "\\cdots ",
    "∠": "\\angle ",
    "△": "\\triangle ",
    "′": "'",
    "’": "'",
    "‘": "'",
    "“": '"',
    "”": '"',
    "ℝ": "\\mathbb{R}",
    "ℤ": "\\mathbb{Z}",
    "ℕ": "\\mathbb{N}",
    "ℚ": "\\mathbb{Q}",
    "ℂ": "\\mathbb{C}",
    "∑": "\\sum ",
    "∏": "\\prod ",
    "∫": "\\int ",
    "→": "\\to ",
    "⇒": "\\implies ",
    "½": "\\frac{1}{2}",
    "⅓": "\\frac{1}{3}",
    "⅔": "\\frac{2}{3}",
    "¼": "\\frac{1}{4}",
    "¾": "\\frac{3}{4}",
    "⅕": "\\frac{1}{5}",
    "⅖": "\\frac{2}{5}",
    "⅗": "\\frac{3}{5}",
    "⅘": "\\frac{4}{5}",
    "⅙": "\\frac{1}{6}",
    "⅚": "\\frac{5}{6}",
    "⅛": "\\frac{1}{8}",
    "⅜": "\\frac{3}{8}",
    "⅝": "\\frac{5}{8}",
    "⅞": "\\frac{7}{8}",
    "，": ",",
    "、": ",",
    "；": ";",
    "：": ":",
    "∶": ":",
    "℃": "^\\circ\\text{C}",
    "℉": "^\\circ\\text{F}",
    "（": "(",
    "）": ")",
    "【": "[",
    "】": "]",
    "［": "[",
    "］": "]",
    "｛": "{",
    "｝": "}",
    "＝": "=",
    "＋": "+",
    "＜": "<",
    "＞": ">",
    "／": "/",
    "＊": "*",
    "％": "%",
    "．": ".",
    "。": ".",
    "｜": "|",
    "⌊": "\\lfloor ",
    "⌋": "\\rfloor ",
    "⌈": "\\lceil ",
    "⌉": "\\rceil ",
    "⟨": "\\langle ",
    "⟩": "\\rangle ",
    "ℓ": "\\ell ",
    **dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000", " "),
    **dict.fromkeys(
        "\u200b\u200c\u200d\u2060\ufeff\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2061\u2062\u2063\u00ad", ""
    ),
    **{chr(0xFF10 + digit): str(digit) for digit in range(10)},
    **{chr(0xFF21 + at): chr(0x41 + at) for at in range(26)},
    **{chr(0xFF41 + at): chr(0x61 + at) for at in range(26)},
    **dict.fromkeys("€£¥₹₩₽", ""),
    "¢": "\\text{ cents}",
}
_GREEK: Final = {
    "α": "alpha",
    "β": "beta",
    "γ": "gamma",
    "δ": "delta",
    "ε": "epsilon",
    "ζ": "zeta",
    "η": "eta",
    "θ": "theta",
    "κ": "kappa",
    "λ": "lambda",
    "μ": "mu",
    "ν": "nu",
    "ξ": "xi",
    "ρ": "rho",
    "σ": "sigma",
    "τ": "tau",
    "φ": "phi",
    "ϕ": "phi",
    "χ": "chi",
    "ψ": "psi",
    "ω": "omega",
    "Γ": "Gamma",
    "Δ": "Delta",
    "Θ": "Theta",
    "Λ": "Lambda",
    "Π": "Pi",
    "Σ": "Sigma",
    "Φ": "Phi",
    "Ψ": "Psi",
    "Ω": "Omega",
    "ħ": "hbar",
    "∆": "Delta",
    "ϵ": "epsilon",
}
_TABLE: Final = str.maketrans({**_UNICODE, **{letter: f"\\{name} " for letter, name in _GREEK.items()}})
_SUPERSCRIPTS: Final = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ", "0123456789+-()nix")
_SUBSCRIPTS: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙₓ", "0123456789+-()nx")
_SUPERSCRIPT_RUN: Final = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁽⁾ⁿⁱˣ]+")
_RADICAL: Final = re.compile(r"√\s?(\d++(?:\.\d++)?|[A-Za-z](?![A-Za-z]))")
_OTHER_DIGIT: Final = re.compile(r"[^\W\D\x00-\x7f]")  # decimal digits of other scripts
_SUBSCRIPT_RUN: Final = re.compile("[₀₁₂₃₄₅₆₇₈₉₊₋₍₎ₙₓ]+")

_ESCAPED_MACRO: Final = re.compile(
    r"(?<!\\)\\\\(?=(?:d|t|c)?(?:frac|binom)|sqrt|boxed|left|right|text|math|times|cdot|pi\b|infty|pm\b|circ|cup\b|in\b|le|ge)"
)
_BACKSLASHES: Final = re.compile(r"\\+")
_TWICE_ESCAPED: Final = re.compile(r"\\\\(?:begin|end|frac|sqrt|left)(?![A-Za-z])")
_DELIMITER_NAMES: Final = {
    "lbrace": "\\{",
    "rbrace": "\\}",
    "lbrack": "[",
    "rbrack": "]",
    "lgroup": "(",
    "rgroup": ")",
    "lparen": "(",
    "rparen": ")",
    "vert": "|",
    "Vert": "\\|",
    "ulcorner": "\\lceil ",
    "urcorner": "\\rceil ",
    "llcorner": "\\lfloor ",
    "lrcorner": "\\rfloor ",
}
_DELIMITER_NAME: Final = re.compile(r"\\(" + "|".join(_DELIMITER_NAMES) + ")")
_DIGITS_APART: Final = re.compile(r"\d[^\d+*/^.)\]=-]{1,6}\d\d\d")
_THIN_GROUPS: Final = re.compile(r"(?<![\d.])[1-9]\d{0,2}(?:(?:\\[,;: ]|~|\s?\{\s?,\s?\}| )\s?\d{3})+(?!\d)")
_WIDE: Final = re.compile(r"\s{2,}")
_GROUP_MARKS: Final = re.compile(r"\\[,;: ]|~|\{\s?,\s?\}|\s")
_GROUP_COMMA: Final = re.compile(r",\s*\\!\s*(?=\d{3})")  # `11,\! 111`: the negative space says that this is one number
_SIZES: Final = re.compile(
    r"\\(?:m?left|m?right|[bB]igg?[lrm]?|middle|displaystyle|textstyle|scriptstyle|limits|nolimits|notag|nonumber"
    r"|tiny|small|normalsize|large|Large|LARGE|huge|Huge|ensuremath)(?![A-Za-z])"
    r"(?:\s*\.(?!\d))?"
)
_DOLLARS: Final = re.compile(r"^\s*(?:\\text\s*\{\s*[A-Z]{1,2}\\\$\s*\}|(?:US|C|CA|A|AU|HK|S|NT)\s*\\\$(?=\s*\d))")
_COMMA_TEXT: Final = re.compile(r"(?<=\d)\\text\s*\{\s*,\s*\}(?=\d{3})")
_LITERAL_NEWLINE: Final = re.compile(r"(?<!\\)\\n(?![a-z])")
_UNION_LETTER: Final = re.compile(r"(?<=[\])}])\s*U\s*(?=[\[({\\])")
_COLOR: Final = re.compile(r"\\(?:(?:text)?color|colorbox)\s*\{[^{}]*\}|\\bbox\s*\[[^\[\]]*\]")
_SYSTEM_BRACE: Final = re.compile(r"\\left\s*\\\{\s*(?=\\begin\{(?:array|aligned|matrix|cases|align|gathered))")
_MODULUS: Final = re.compile(r"\(\s*(?:\\(?:bmod|mod)|mod)(?![a-z])\s*([^()]*)\)")
_PHANTOM: Final = re.compile(r"\\[hv]?phantom\s*(?:\{[^{}]*\}|[^\s\\])")
_LEADING_SIGN: Final = re.compile(
    r"(?:(?:\\(?:approx|sim|simeq|therefore|implies|Rightarrow|equiv)(?![A-Za-z])|[=:])\s*)+"
)
_DELIMITERS: Final = re.compile(r"\\[()\[\]]|\$+")
_DELIMITERS_BESIDE_ROWS: Final = re.compile(r"(?<!\\)\\[()\[\]]|\$+")  # `\\(` may end a row before a bracket
_ROW_SPACING: Final = re.compile(r"\\\\\s*\[\s*-?[\d.]+\s*(?:pt|em|ex|mm|cm|in)\s*\]")
_MARKS: Final = '`"*_ \t\n\r'
_STOPS: Final = ".,;: \t\n"
_MEANT: Final = frozenset(("\\,", "\\;", "\\:", "\\.", "\\ ", ".."))


def to_ascii(text: str) -> str:
    """Unicode mathematics as LaTeX; other characters stay."""
    if text.isascii():
        return text
    text = _RADICAL.sub(r"\\sqrt{\1}", text)
    text = _SUPERSCRIPT_RUN.sub(lambda run: "^{" + run[0].translate(_SUPERSCRIPTS) + "}", text)
    text = _SUBSCRIPT_RUN.sub(lambda run: "_{" + run[0].translate(_SUBSCRIPTS) + "}", text)
    text = _OTHER_DIGIT.sub(lambda digit: str(unicodedata.decimal(digit[0])), text)
    return text.translate(_TABLE)


def tidy(text: str) -> str:
    r"""One answer without the marks that mean nothing: `$1\,234\text{ }$` is `1234\text{ }`."""
    text = to_ascii(text)
    text = text.replace(":=", "=")
    if "\\" in text:
        text = _GROUP_COMMA.sub(",", _DOLLARS.sub("", text))
        text = _COMMA_TEXT.sub("{,}", text)
        text = _LITERAL_NEWLINE.sub(" ", text).replace("\\!", "").replace("\\$", "")
        if "\\\\" in text:
            text = _ESCAPED_MACRO.sub("\\\\", _unescaped(text))
        text = _SYSTEM_BRACE.sub("", _COLOR.sub("", text))
        text = _PHANTOM.sub("", _SIZES.sub("", text))
        text = _DELIMITER_NAME.sub(lambda name: _DELIMITER_NAMES[name[1]], text)
        if "\\begin" in text:
            text = _DELIMITERS_BESIDE_ROWS.sub(" ", _ROW_SPACING.sub(r"\\\\", text))
        else:
            text = _DELIMITERS.sub(" ", text)
    elif "$" in text:
        text = text.replace("$", " ")
    if "mod" in text:
        text = modulo_in_words(text)
        text = _MODULUS.sub(r"\\pmod{\1}", text)
    text = _UNION_LETTER.sub(r"\\cup ", text)
    if _DIGITS_APART.search(text):
        text = _THIN_GROUPS.sub(lambda match: _GROUP_MARKS.sub("", match[0]), text)
    return _trimmed(rewritten(_WIDE.sub(" ", text)))


def _unescaped(text: str) -> str:
    """A text that was escaped twice (every command behind an even number of backslashes), once."""
    if not _TWICE_ESCAPED.search(text) or any(len(run) % 2 for run in _BACKSLASHES.findall(text)):
        return text
    return _BACKSLASHES.sub(lambda run: run[0][: len(run[0]) // 2], text)


def _trimmed(text: str) -> str:
    """Without markdown and quotes around it and without the full stop behind it (`42.` is 42)."""
    text = text.strip(_MARKS)
    if text.startswith("'"):  # an apostrophe behind it alone is a prime (`f'`, `5'`)
        text = text.strip(_MARKS + "'")
    end = len(text)
    while end and text[end - 1] in _STOPS and text[end - 2 : end] not in _MEANT:
        end -= 1
    text = text[:end].rstrip()
    if text.endswith("\\") and not text.endswith("\\\\"):
        text = text[:-1].rstrip()  # a blank of TeX's without its blank
    leading = _LEADING_SIGN.match(text)
    return text[leading.end() :] if leading else text


_FONT_GROUP: Final = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mbox|operatorname\*?|mathsf|boldsymbol|bold|bm)\s*\{([^{}]*)\}"
)
_CANONICAL_SPACE: Final = re.compile(r"\\(?:quad|qquad|thinspace|medspace|thickspace)(?![A-Za-z])|\\[,;:> ]|[\s~]")
_ANY_FRACTION: Final = re.compile(r"\\[dtc]frac")


def canonical(tidied: str) -> str:
    """The spelling that two answers must share to be the same text: fonts and blanks that separate nothing are gone."""
    text = _FONT_GROUP.sub(r" \1 ", tidied) if "\\" in tidied else tidied
    text = _CANONICAL_SPACE.sub(" ", _ANY_FRACTION.sub(r"\\frac", text))
    text = _LOOSE_BLANK.sub("", _BEFORE_STOP.sub(".", _BLANKS.sub(" ", text))).strip()
    return text[1:-1] if _ONE_GROUP.fullmatch(text) else text


_BEFORE_STOP: Final = re.compile(r" \.(?= |$)")
_ONE_GROUP: Final = re.compile(r"\{[^{}]*\}")
_BLANKS: Final = re.compile(r"\s+")
_LOOSE_BLANK: Final = re.compile(r"(?<![A-Za-z0-9.]) | (?![A-Za-z0-9.])")
