r"""What stands around the value of an answer: prose in front, a label, a qualifier behind.

`\text{The minimum is } 5`, `\sin A = \frac35`, `2^n - 1 \text{ for } n \ge 1`. Each is taken off by a closed list of
forms, and kept, so that the two sides of a comparison can be held against each other: `\sin A = 1` is not `\cos A = 1`.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from or1_reward.maths.parse.vocabulary import words as word_set

_OPEN: Final = frozenset("([{")
_CLOSE: Final = frozenset(")]}")
_TEXT: Final = re.compile(r"\\(?:text|textbf|textit|mathrm|mbox|textrm)\s*\{([^{}]*)\}")
_BLANKS: Final = re.compile(r"(?:\\[,;: ]|\\q?quad(?![a-z])|~|\s)+")
_MOST_CHARS: Final = 400

_STATED: Final = re.compile(
    r"(?:\\text(?:bf|it|rm)?\s*\{)?\s*(?P<said>(?:[A-Za-z][A-Za-z'-]*["
    r" ,]+){0,14}?(?:[A-Za-z][A-Za-z'-]*)?)\s*(?:\}(?=\s*[:=]))?\s*"
    r"(?P<verb>\b(?:is equal to|is|are|equals|gives"
    r"|was|be|has|have|get|obtain|find|there are|there is|there exist|has exactly|have"
    r" exactly|a total of)\b|[:=])\s*(?:exactly\s+)?\}?"
    r"\s*(?P<rest>\S.*)",
    re.DOTALL,
)
_NAMED_KIND: Final = re.compile(
    r"\\text(?:bf|it|rm)?\s*\{\s*(?:(?:the|a|an)\s+)?(?:ordered\s+|closed\s+|open\s+|final\s+|correct\s+)?(?:points?|set|interval|numbers?"
    r"|values?|vector|pairs?|triples?|line|function|matrix|curve|equation|answers?|solutions?|roots?|exactly|minimum|maximum)\s*:?\s*\}\s*(?=[\\({\[\d-]|[A-Z]\s*\()",
    re.IGNORECASE,
)
_LAST_STATEMENT: Final = re.compile(
    r"((?:\\text(?:bf|it|rm)?\s*\{[^{}\d=<>]*\}|[A-Za-z\s,]){1,12}?\\text(?:bf|it|rm)?\s*\{[^{}\d=<>]*\b(?:is|are|equals|be)(?:\s+exactly)?\s*:?\s*\})"
    r"\s*(?P<rest>[^\s}].*)",
    re.DOTALL,
)
_REFUSED: Final = re.compile(
    r"\b(?:not|no|never|neither|less|fewer|more|greater|most|least|than|if|or|except|between|isn't|aren't|cannot|about|nearly|almost|"
    r"double|twice|half|triple|minus|plus|times|per|number of times|remainder|square of|unless|ratio)\b",
    re.IGNORECASE,
)
_REASON: Final = re.compile(
    r"^(?:since|because|as|for example|e\.g\.|i\.e\.|namely|note|where|by|from|which|all real|the only)\b",
    re.IGNORECASE,
)
_QUALIFIER_WORDS: Final = word_set(
    "for all any every each some real integer integers natural naturals positive negative nonnegative "
    "non-negative nonzero non-zero number numbers constant constants value values parameter parameters "
    "where when with is are an a arbitrary in given that such since because as the only solution "
    "solutions of and whole complex rational reals on domain over being denotes if provided fixed free "
    "variable variables odd even prime units unit sufficiently large valid unique required desired final "
    "correct smallest largest answer minimum maximum otherwise-unrestricted"
)
_SYMBOLS_ONLY: Final = re.compile(r"(?:\\[A-Za-z]+|[A-Za-z0-9\s.,<>=+*/^_{}()|\[\]'-])*")
_RELATION: Final = re.compile(r"\\(?:in|ge|geq|geqslant|le|leq|leqslant|ne|neq|gt|lt|notin)(?![a-z])|[<>]|!=|>=|<=")
_EQUALS: Final = re.compile(r"(?<![<>!:=])=(?!=)")
_FOR_ALL: Final = re.compile(r"\\forall\s*[a-z](?:\s*,\s*[a-z])*")
_ROUNDED: Final = re.compile(
    r"(?:approximately|approx\.?|rounded(?: to [\w\s.]{1,40})?"
    r"|to [\w\s]{1,20}(?:decimal places?|significant figures?|d\.?p\.?|s\.?f\.?))",
    re.IGNORECASE,
)
_HAS_DECIMALS: Final = re.compile(r"\d\.\d")
_LETTERS_DECLARED: Final = re.compile(r"[\s,;]*[A-Za-z]\s*(?:\\in\b.*)?")
_CASE_WORD: Final = re.compile(r"\b(?:if|when)\b")
_LEAD_WORD: Final = re.compile(
    r"\s*,?\s*(?:for|where|when|if|with|provided|since|because|given|such that|is (?:the|an?)|only)\b"
    r"|\s*\\(?:forall|because)(?![a-z])"
)
_WORD: Final = re.compile(r"(?<!\\)\b[A-Za-z][A-Za-z-]+\b")
_MACRO: Final = re.compile(r"\\[A-Za-z]+")
_SET: Final = re.compile(
    r"\\(?:mathbb|mathbf|Bbb)\s*\{?\s*([RZNQC])\s*\}?(?:\s*[\^_]\s*(?:\{[^{}]*\}|[+*-]|\\ast|\\star))?"
)
_WHOLE_SET: Final = re.compile(
    r"\\in\s*(?:\\(?:mathbb|mathbf|Bbb)\s*\{?\s*)?[ZN]\b|\\in\s*\\(?:mathbb|mathbf|Bbb)\s*\{?\s*[ZN]|\binteger|\bwhole|\bnatural",
    re.I,
)
_LETTER: Final = re.compile(r"(?<![A-Za-z\\])([A-Za-z])(?![A-Za-z])")
_REAL_SET: Final = re.compile(r"\\in\s*\\(?:mathbb|mathbf|Bbb)\s*\{?\s*[RC]")
_ANY_REAL: Final = re.compile(r"\b(?:any|some|all)\s+real\b")
_VARIABLES: Final = frozenset("xyztn")
_PARAMETER_WORDS: Final = re.compile(r"\b(?:constant|arbitrary|parameter|real number)", re.IGNORECASE)

_TRIGONOMETRIC: Final = r"\\(?:sin|cos|tan|cot|sec|csc|tg|ctg)(?![a-z])"
_LABEL: Final = re.compile(
    r"(?:"
    rf"{_TRIGONOMETRIC}.{{1,60}}"
    r"|\\(?:Pr|dim|deg|det|ker|rank|gcd|lcm|max|min|sup|inf|arg|Re|Im)(?![a-z]).{0,60}"
    r"|(?:\\(?:mathbb|mathbf|mathrm|operatorname|text|mathcal)\s*\{?\s*)?(?:P|E|Pr|Var|Cov|D|Prob|prob)\s*\}?\s*(?:\\left|\\big[lr]?)?\s*[\[(].{1,80}[\])]"
    r"|\\(?:operatorname|mathrm|text|textbf|mathit|textit|mbox)\*?\s*\{[^{}=]{1,60}\}\s*.{0,60}"
    r"|\\(?:int|sum|prod|lim|iint|oint)(?![a-z]).{1,160}"
    r"|\\(?:sigma|mu|lambda|rho|tau|alpha|beta|gamma|delta|theta|phi|omega)(?:_\{?\w{1,3}\}?)?\s*\^\s*\{?2\}?"
    r"|(?:[A-Z]{1,3}|\\overline\s*\{[A-Z]{2}\}|(?:\\[lr]?vert|\\left\||\||\|).{1,30}(?:\\[lr]?vert|\\right\||\||\|))\s*\^\s*\{?[23]\}?"
    r"|\(\s*[a-zA-Z]\s*\\circ\s*[a-zA-Z]\s*\)\s*\(.{1,30}\)"
    r"|\(\s*[a-zA-Z]\s*[-+*/]\s*[a-zA-Z]\s*\)\s*\(.{1,30}\)"
    r"|[A-Za-z]\s*(?:\^\s*\{?\s*(?:\(\s*\w{1,5}\s*\)|\\prime|-1)\s*\}?|'{1,3})\s*\(.{1,30}\)"
    r"|[A-Za-z](?:_\{?\w{1,8}\}?)?\s*\(.{1,40}\)"
    r"|(?:\\(?:measured)?angle|\\triangle|m\s*\\angle|\\overarc|\\widehat|\\hat)\s*\{?[A-Za-z]{0,3}\}?"
    r"|\{\s*[A-Za-z]\s*\}\s*_\s*\{?\w{1,8}\}?"
    r"|#\s*.{1,30}"
    r"|\.?\s*\\[dt]?frac\s*\{\s*(?:d|\\partial|\\mathrm\{d\})(?![a-z]).{1,60}"
    r"|\\\|.{1,40}\\\|"
    r"|[a-z]\s*\\circ\s*[a-z]"
    r")\s*"
)
_MAPS_TO: Final = re.compile(
    r"^(?:[A-Za-z]\s*(?::|\\colon)\s*)?(?:[A-Za-z]|\(\s*[a-z](?:\s*,\s*[a-z])+\s*\))\s*\\mapsto\s*(?=\S)"
    r"|^([a-z])\s*\\(?:to|rightarrow)\s*(?=[^=]*\1)"
)


class Bare(NamedTuple):
    """The value of an answer, and what was taken off it."""

    value: str
    label: str = ""
    qualifiers: tuple[str, ...] = ()


def bare(text: str) -> Bare:
    """The value of a tidied answer without prose, label and qualifiers."""
    if len(text) > _MOST_CHARS:
        return Bare(text)
    value, qualifiers = _without_qualifiers(_without_prose(text))
    value, label = _without_label(value)
    return Bare(value.strip(), label, tuple(qualifiers))


def parameters(qualifiers: tuple[str, ...]) -> tuple[frozenset[str], frozenset[str]]:
    """Letters that the qualifiers declare: those that stand for whole numbers, and arbitrary constants."""
    whole: set[str] = set()
    constants: set[str] = set()
    for qualifier in qualifiers:
        plain = _SET.sub(" ", _TEXT.sub(r" \1 ", qualifier))
        letters = {letter for letter in _LETTER.findall(plain) if letter not in "aAI" or f"{letter} \\in" in plain}
        if _WHOLE_SET.search(_TEXT.sub(r" \1 ", qualifier)):
            whole |= letters
        elif _PARAMETER_WORDS.search(qualifier) or _REAL_SET.search(qualifier):
            constants |= letters
        elif _ANY_REAL.search(plain):
            constants |= letters - _VARIABLES
    return frozenset(whole), frozenset(constants)


def relations_of(qualifiers: tuple[str, ...]) -> list[str]:
    r"""The qualifiers that restrict a value (`x > 0`, `n \\ge 1`), without their words; memberships are none."""
    found = []
    for qualifier in qualifiers:
        plain = _BLANKS.sub(" ", _WORD.sub(" ", _TEXT.sub(r" \1 ", qualifier))).strip(" ,;()")
        if _RELATION.search(plain) and "\\in" not in plain:
            found.append(plain)
    return found


def _without_prose(text: str) -> str:
    r"""`\text{The minimum is } 5`, `\text{There are } 12 \text{ ways}`, `\text{Maximum: } 7` from the value on."""
    if match := _NAMED_KIND.match(text):
        return text[match.end() :].strip()
    if (match := _LAST_STATEMENT.match(text)) is not None and not _REFUSED.search(match[1]):
        return match["rest"].strip()
    match = _STATED.match(text)
    if match is None:
        return text
    said, verb, rest = match["said"], match["verb"], match["rest"]
    words = said.split()
    if _REFUSED.search(said) or (verb == "=" and (len(words) < 2 and not text.lstrip().startswith("\\text"))):
        return text
    if verb in (":", "=") and not words:
        return text
    if verb == ":" and (len(words) == 1 and len(words[0].strip(",")) < 3):
        return text  # a ratio
    if (
        not words
        and verb not in ("is", "is equal to", "equals", "gives", "a total of")
        and not verb.startswith("there")
    ):
        return text
    if _REFUSED.match(rest.strip(" {}")) or rest.count("{") < rest.count("}"):
        rest = rest.removesuffix("}") if rest.count("{") == rest.count("}") - 1 and rest.endswith("}") else rest
        if _REFUSED.match(rest.strip(" {}")) or rest.count("{") < rest.count("}"):
            return text
    return rest.strip()


def _without_qualifiers(text: str) -> tuple[str, list[str]]:
    """The text up to its qualifiers, and these."""
    taken: list[str] = []
    while True:
        cut = _last_piece(text)
        if cut is None:
            return text, taken
        cut = _with_letters_before(text, cut)
        piece = text[cut:]
        main = text[:cut].rstrip(" ,;:\\").rstrip()
        main = re.sub(r"(?:\\q?quad|\\[,;:]|\\text\s*\{\s*,?\s*\}|[\s,;])+$", "", main)
        if not main or not _is_qualifier(piece, main):
            return text, taken
        taken.insert(0, piece.strip(" ,;"))
        text = main


def _with_letters_before(text: str, cut: int) -> int:
    """Where a qualifier begins whose last letters stand behind commas (`for constants a, b`)."""
    for _ in range(_MOST_LETTERS):
        before = _last_piece(text[: cut - 1]) if _LETTERS_DECLARED.fullmatch(text[cut:]) else None
        if before is None or before >= cut:
            break
        cut = before
    return cut


_MOST_LETTERS: Final = 4


def _last_piece(text: str) -> int | None:  # noqa: C901  one branch for each sign
    """Where the last piece of a text begins: behind a comma, at a word like `for`, or at a bracket behind a blank."""
    depth, found = 0, None
    at = 0
    while at < len(text):
        sign = text[at]
        if sign in _OPEN:
            if (
                depth == 0
                and sign == "("
                and at
                and text.rstrip().endswith(")")
                and text[:at].rstrip()[-1:] not in ("", "=", "+", "-", "*", "/")
            ):
                found = at if text[at - 1] in " }" or text[at - 2 : at] in ("\\ ", "\\,", "\\;") else found
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
        elif depth == 0:
            if sign in ",;":
                found = at + 1
            elif sign == "\\" and (match := _TEXT.match(text, at)):
                if _LEAD_WORD.match(match[1]) or match[1].strip().startswith("("):
                    found = at if not _continues(text, found, at) else found
                at = match.end()
                continue
            elif (sign == " " or at == 0) and (match := _LEAD_WORD.match(text, at)) and not _continues(text, found, at):
                found = at
            elif sign == "\\" and text.startswith(("\\quad", "\\qquad", "\\forall"), at):
                found = at + (0 if text.startswith("\\forall", at) else 6)
        at += 1
    return found if found else None


def _continues(text: str, found: int | None, at: int) -> bool:
    r"""Whether a qualifier that began at `found` goes on at `at` (`for n \\text{ where } ...`)."""
    return (
        found is not None
        and text[found:at].strip(" ,;") != ""
        and bool(_LEAD_WORD.match(_TEXT.sub(r"\1", text[found:at]).lstrip()))
    )


def _is_qualifier(piece: str, main: str) -> bool:
    """Whether the piece behind a value only says for what it holds."""
    plain = _BLANKS.sub(" ", _TEXT.sub(r" \1 ", piece)).strip(" ,;.")
    if len(_CASE_WORD.findall(plain)) > 1:
        return False  # `5 if x > 0 and 3 if x < 0` has two values
    if plain.startswith("(") and plain.endswith(")"):
        plain = plain[1:-1].strip()
    if not plain or "boxed" in plain or "only if" in plain:
        return False
    if _FOR_ALL.fullmatch(plain) or _ROUNDED.fullmatch(plain):
        return plain.startswith("\\forall") or _HAS_DECIMALS.search(main) is not None
    words = [word.casefold() for word in _WORD.findall(_SET.sub(" ", plain)) if len(word) > 1]
    if _REASON.match(plain) and not re.search(r"\b(?:or|otherwise|else)\b", plain):
        return bool(words)
    if any(word not in _QUALIFIER_WORDS for word in words) or re.search(r"\b(?:otherwise|else|or)\b", plain):
        return False
    relation = _RELATION.search(plain) is not None
    if _EQUALS.search(plain) or (re.search(r"\d", _SET.sub("", plain)) and not relation):
        return False
    if not (relation or words) or not _SYMBOLS_ONLY.fullmatch(plain):
        return False
    if words and not relation:
        return bool(
            set(words)
            & {
                "all",
                "any",
                "every",
                "each",
                "integer",
                "integers",
                "constant",
                "constants",
                "only",
                "arbitrary",
                "real",
                "natural",
                "positive",
                "nonzero",
                "where",
                "for",
                "is",
            }
        )
    return not (relation and not words and _RELATION.search(main) and "\\in" not in plain)


def _without_label(text: str) -> tuple[str, str]:
    """The right-hand side of `label = value`, and the label."""
    if match := _MAPS_TO.match(text):
        return text[match.end() :], ""
    places = _equals_places(text)
    if not places:
        return text, ""
    left, right = text[: places[0]].strip(), text[places[-1] + 1 :].strip()
    if right and _LABEL.fullmatch(left):
        return right, left
    return text, ""


def _equals_places(text: str) -> list[int]:
    """Where `=` stands outside of all brackets."""
    depth, found = 0, []
    for at, sign in enumerate(text):
        if sign in _OPEN:
            depth += 1
        elif sign in _CLOSE:
            depth -= 1
        elif sign == "=" and depth == 0 and text[at - 1 : at] not in ("<", ">", "!", "\\", ":"):
            found.append(at)
    return found
