"""Canonical tokens: the same problem typed in another LaTeX or Unicode dialect gives the same tokens.

Digits, operators and the case of single letters are never touched: `2^{10}` is not `2^{11}`, `n` is not `N`, and
`x²` becomes `x^2`, never `x2` (which is what NFKC makes of it); primes and factorials stay, and braces around several
tokens. Other braces, dollar signs, spacing commands, size commands and sentence punctuation carry no meaning for "is it
the same problem" and go.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from typing import Final

_UNICODE: Final = {
    "−": "-", "‐": "-", "‑": "-", "–": "-", "—": "-", "×": " \\times ", "·": " \\times ", "∙": " \\times ", "÷": " \\div ",  # noqa: E501
    "≤": " \\le ", "⩽": " \\le ", "≥": " \\ge ", "⩾": " \\ge ", "≠": " \\ne ", "≈": " \\approx ", "≡": " \\equiv ",
    "±": " \\pm ", "∞": " \\infty ", "√": " \\sqrt ", "π": " \\pi ", "θ": " \\theta ", "α": " \\alpha ", "β": " \\beta ",  # noqa: E501
    "γ": " \\gamma ", "δ": " \\delta ", "ω": " \\omega ", "φ": " \\phi ", "λ": " \\lambda ", "μ": " \\mu ", "σ": " \\sigma ",  # noqa: E501
    "∈": " \\in ", "∪": " \\cup ", "∩": " \\cap ", "⊂": " \\subset ", "∠": " \\angle ", "△": " \\triangle ", "°": "^\\circ ",  # noqa: E501
    "→": " \\to ", "∑": " \\sum ", "∏": " \\prod ", "∫": " \\int ", "⌊": " \\lfloor ", "⌋": " \\rfloor ", "⌈": " \\lceil ",  # noqa: E501
    "⌉": " \\rceil ", "…": " \\ldots ", "½": " \\frac 1 2 ", "¼": " \\frac 1 4 ", "¾": " \\frac 3 4 ",
    "⁰": "^0", "¹": "^1", "²": "^2", "³": "^3", "⁴": "^4", "⁵": "^5", "⁶": "^6", "⁷": "^7", "⁸": "^8", "⁹": "^9", "ⁿ": "^n",  # noqa: E501
    "₀": "_0", "₁": "_1", "₂": "_2", "₃": "_3", "₄": "_4", "₅": "_5", "₆": "_6", "₇": "_7", "₈": "_8", "₉": "_9", "ₙ": "_n",  # noqa: E501
    "‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\u3000": " ", "\u200b": "", "\ufeff": "", "\u00ad": "",
    "，": ",", "。": ".", "、": ",", "′": "'",
}  # fmt: skip
_TABLE: Final = str.maketrans(
    _UNICODE | {chr(0xFF01 + i): chr(0x21 + i) for i in range(94) if chr(0xFF01 + i) not in "，。"}
)

_COMMANDS: Final = {
    "dfrac": "\\frac", "tfrac": "\\frac", "cfrac": "\\frac", "leq": "\\le", "geq": "\\ge", "leqslant": "\\le", "geqslant": "\\ge",  # noqa: E501
    "neq": "\\ne", "cdot": "\\times", "ast": "\\times", "dots": "\\ldots", "cdots": "\\ldots", "dotsc": "\\ldots", "dotsb": "\\ldots",  # noqa: E501
    "rightarrow": "\\to", "longrightarrow": "\\to", "bigtriangleup": "\\triangle", "degree": "^\\circ", "dbinom": "\\binom",  # noqa: E501
    "tbinom": "\\binom", "vert": "|", "mid": "|", "lvert": "|", "rvert": "|", "lbrace": "\\{", "rbrace": "\\}", "colon": " ",  # noqa: E501
    "varphi": "\\phi", "varepsilon": "\\epsilon", "emptyset": "\\varnothing", "land": "\\wedge", "lor": "\\vee", "implies": "\\Rightarrow",  # noqa: E501
}  # fmt: skip
_DROPPED_TEXT: Final = """
left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle scriptstyle limits
nolimits quad qquad text textbf textit textrm mathrm mathbf mathit mathsf mathtt emph underline operatorname mbox
hbox rm bf it item noindent par newline hspace vspace boldsymbol bm middle ensuremath thinspace phantom hfill
"""
_DROPPED: Final = _DROPPED_TEXT.split()
_REPLACED: Final = {**_COMMANDS, **dict.fromkeys(_DROPPED, " ")}
_COMMAND: Final = re.compile(r"\\([A-Za-z]+)|\\([,!;:>\s()\[\]$&%#_-]|\\)")
_ASY: Final = re.compile(r"\[asy\].*?(?:\[/asy\]|\Z)", re.S | re.I)
_FRACTION: Final = re.compile(r"\\(frac|binom)\s*(\d)\s*(\d)(?!\d)")
_THOUSANDS: Final = re.compile(r"(?<=\d)(?:\{,\}|,)(?=\d{3}(?!\d))")
_TOKEN_ASCII: Final = re.compile(r"\\(?:[A-Za-z]+|[{}|])|\d+(?:\.\d+)?|[A-Za-z]+|[-+*/^_=<>()|!&%@#\[\]{}]|'+")
_TOKEN: Final = re.compile(
    r"\\(?:[A-Za-z]+|[{}|])|\d+(?:\.\d+)?|[A-Za-z]+|[\u2e80-\u9fff\uac00-\ud7ff]|[^\W\d_A-Za-z\u2e80-\u9fff\uac00-\ud7ff]+"
    r"|[-+*/^_=<>()|!&%@#\[\]{}]|'+|[^\w\s\x00-\x7f]"
)
_PRIME: Final = re.compile(r"\^\s*\{?\s*((?:\\prime\s*)+)\}?")
_APOSTROPHE: Final = re.compile(
    r"(?<!(?<![A-Za-z])[A-Za-z])(?<![)}\]'])'+(?![A-Za-z]{2})|'(?=[A-Za-z]{1,2}\b)(?<=[A-Za-z]{2}')"
)
"""An apostrophe that is no prime: neither behind a letter that stands alone, nor behind a bracket or another prime."""
_PRIME_LIKE: Final = re.compile(r"(?:\b[A-Za-z]|[)}\]])'")
_WORDS_IN_BRACES: Final = re.compile(
    r"\\(?:text[a-z]*|mathrm|mathbf|mathit|mathsf|mathtt|emph|underline|operatorname|mbox|hbox)\s*\{([^{}]*)\}"
)
_ONE_TOKEN: Final = re.compile(r"\{\s*(\\?[A-Za-z]+|\d+(?:\.\d+)?|[^\w\s{}\\]?)\s*\}")
_KEPT_ESCAPES: Final = {"%": "%", "&": "&", "#": "#", "_": "_"}


def _command(match: re.Match[str]) -> str:
    name = match.group(1)
    if name is None:
        return _KEPT_ESCAPES.get(match.group(2), " ")
    return _REPLACED.get(name, match.group(0)) + " "


def _groups(text: str) -> str:
    r"""Braces are left where they hold several tokens: `\sqrt{x}+3` is not `\sqrt{x+3}`, `x^{2}` is `x^2`."""
    if "\\prime" in text:
        text = _PRIME.sub(lambda match: "'" * match[1].count("p"), text)
    return _ONE_TOKEN.sub(r" \1 ", _ONE_TOKEN.sub(r" \1 ", _WORDS_IN_BRACES.sub(r" \1 ", text)))


def strip_asy(text: str) -> str:
    """Without Asymptote drawings: their code would outweigh the sentence in every comparison."""
    return _ASY.sub(" ", text) if "[asy]" in text or "[ASY]" in text else text


def canonical_tokens(text: str, *, keep_asy: bool = False) -> list[str]:
    """The tokens that say what a statement is, in order.

    Commands keep their case, words of two letters or more are lower-cased, single letters are not. Numbers are one
    token each, `1,000` is `1000`. Raises nothing: any text has tokens, an empty one has none.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFC", text).translate(_TABLE)
    if not keep_asy:
        text = strip_asy(text)
    if "," in text:
        text = _THOUSANDS.sub("", text)
    if "{" in text or "\\prime" in text:
        text = _groups(text)
    if "'" in text and _PRIME_LIKE.search(text):
        text = _APOSTROPHE.sub(" ", text)
    elif "'" in text:
        text = text.replace("'", " ")
    if "\\" in text:
        text = _FRACTION.sub(r"\\\1 \2 \3", _COMMAND.sub(_command, text))
    found = (_TOKEN_ASCII if text.isascii() else _TOKEN).findall(text)
    return [token.lower() if len(token) > 1 and token[0] != "\\" else token for token in found]


def content_id(statement: str, ability: str, kind: str = "") -> str:
    """16 hex digits of SHA-256 over ability, ground-truth kind and canonical tokens.

    The kind is part of it because the same contest statement exists with stdin and with call-based tests.
    """
    text = "\x1f".join([ability, kind, *canonical_tokens(statement, keep_asy=True)])
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
