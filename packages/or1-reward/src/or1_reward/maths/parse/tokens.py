"""Tidied text to tokens; plain words, units and function names are told apart from products of letters here."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from or1_reward.maths.parse.grammar import MACROS
from or1_reward.maths.parse.units import canonical_unit
from or1_reward.maths.parse.vocabulary import (
    FUNCTIONS,
    NAMES,
    PLAIN_WORDS,
    SPACE_MACROS,
    TEXT_MACROS,
    UNIT_WORDS,
    words,
)


class ParseError(ValueError):
    """The text is not in the grammar; it is never cut down until it is."""


class Token(NamedTuple):
    """`kind` is num, sym, name (a known word), macro, word, text, op or end; `spaced`: a blank stands before."""

    kind: str
    text: str
    spaced: bool


END: Final = Token("end", "", False)
MAX_TOKENS: Final = 4000

_TOKEN: Final = re.compile(
    r"(?P<space>(?:\s|~|\\[,;:> ])+)"
    r"|(?P<num>(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+(?![\d.]*(?:[a-zA-Z{^(]|\\(?![bp]?mod))))?)"
    r"|(?P<macro>\\q?quad(?=[a-z])|\\[a-zA-Z]+\*?)"
    r"|(?P<letters>[a-zA-Z]+)"
    r"|(?P<op>\\[{}|%#&_]|\\\\|\*\*|<=|>=|!=|==|=|[-+*/^_!'%<>|()\[\]{},;:&@?\".])"
)
_THOUSANDS: Final = re.compile(r"\d{1,3}(?:,\d{3})+(?![\d])(?:\.\d+)?")
_COMPOUND_UNIT: Final = re.compile(
    r"[A-Za-z]{1,3}(?:\^\{?-?\d\}?)?(?:\s*(?:/|\\cdot|\*)\s*[A-Za-z]{1,3}(?:\^\{?-?\d\}?)?)+|[A-Za-z]{1,3}\^\{?-?\d\}?"
)
_CONNECTIVES: Final = re.compile(r"\b(?:and|or)\b")
_GROUP: Final = re.compile(r"[{]((?:[^{}]|[{][^{}]*[}])*)[}]")
_MACRO_NAME: Final = re.compile(r"\\(?:begin|end)\s*\{(\w+\*?)\}(\s*\{[lcr|@{};:\\ ]*\})?")
_ACCENTS: Final = frozenset(("bar", "hat", "vec", "tilde", "dot", "ddot"))
_SHORTEST_GLUED: Final = 3
_GLUED_CONNECTIVE: Final = re.compile(r"(and|or)([A-Z])?")
_SPLITTERS: Final = sorted(FUNCTIONS | {"pi"}, key=len, reverse=True)


def tokenize(text: str, *, thousands: bool = True, scientific: bool = True) -> list[Token]:
    """Tokens of a tidied answer, `END` last.

    Args:
        text: what `spelling.tidy` returned.
        thousands: read `1,234` outside of brackets as one number; else as a list.
        scientific: read `2e-1` as a number; else with Euler's e.

    Raises:
        ParseError: a character or a length outside of the grammar.
    """
    tokens: list[Token] = []
    at, depth, spaced = 0, 0, False
    while at < len(text):
        if thousands and depth == 0 and text[at].isdigit() and (match := _THOUSANDS.match(text, at)):
            tokens.append(Token("num", match[0].replace(",", ""), spaced))
            at, spaced = match.end(), False
            continue
        match = _TOKEN.match(text, at)
        if match is None:
            at = _word_of_other_script(text, at, tokens, spaced)
            spaced = False
            continue
        kind, piece = match.lastgroup, match[0]
        at = match.end()
        if kind == "space":
            spaced = True
            continue
        if kind == "macro":
            at, spaced = _macro(text, at, piece, tokens, spaced)
        elif kind == "num":
            if not scientific and not piece.replace(".", "").isdigit():
                piece = re.match(r"[\d.]+", piece)[0]  # type: ignore[index]
                at = match.start() + len(piece)
            tokens.append(Token("num", piece, spaced))
            spaced = False
        elif kind == "letters":
            _letters(piece, tokens, spaced, text[at : at + 1])
            spaced = False
        else:
            depth += (piece in "([" or piece == "\\{") - (piece in ")]" or piece == "\\}")
            tokens.append(Token("op", piece, spaced))
            spaced = False
        if len(tokens) > MAX_TOKENS:
            raise ParseError(f"longer than {MAX_TOKENS} tokens")
    tokens.append(END)
    return tokens


def _macro(text: str, at: int, piece: str, tokens: list[Token], spaced: bool) -> tuple[int, bool]:
    """Append what a macro stands for; returns where to go on and whether a blank was seen."""
    name = piece[1:]
    if name in SPACE_MACROS:
        return at, True
    if name.rstrip("*") in TEXT_MACROS:
        match = _GROUP.match(text, at + (len(text[at:]) - len(text[at:].lstrip())) if text[at : at + 1] == " " else at)
        if match is None:
            return at, spaced  # a font switch: {\rm d}
        _text(match[1], name, tokens, spaced or match[1][:1] in " ~")
        return match.end(), match[1][-1:] in " ~"
    if name in ("begin", "end") and (match := _MACRO_NAME.match(text, at - len(piece))):
        tokens.append(Token("macro", f"\\{name}{{{match[1]}}}", spaced))
        return match.end(), False
    glued = _glued(name)
    tokens.append(Token("macro", "\\" + name[: len(name) - glued], spaced))
    return at - glued, False


def _glued(name: str) -> int:
    r"""How many letters stuck to a command belong to what follows it: one in `\pix`, none in a command known whole."""
    known = name in MACROS or name.rstrip("*") in MACROS or len(name) < _SHORTEST_GLUED
    return int(not known and name[:-1] in MACROS)


def _text(content: str, macro: str, tokens: list[Token], spaced: bool) -> None:
    r"""`\text{...}`: a connective, a unit or words, unless it only sets mathematics in another font."""
    bare = content.strip(" ~")
    inner = re.sub(r"\\[,;: ]|~", " ", bare).strip()
    if not inner:
        return
    if re.fullmatch(r"[A-Za-z]", inner):
        unit = macro in ("mathrm", "text") and inner in "smgNJWVKLhAFT" and (content[:1] in " ~" or spaced)
        tokens.append(Token("text" if unit and tokens else "sym", inner, spaced))
    elif tokens and inner in _HALF_DAYS:
        tokens.append(Token("text", inner, spaced))
    elif _follows_value(tokens) and len(inner) > 1 and " " in inner + " " and _is_unit(inner):
        tokens.append(Token("text", re.sub(r"[{}]", "", inner).replace("\\cdot", "*"), spaced))
    elif tokens and (content[:1] in " ~" or spaced) and _COMPOUND_UNIT.fullmatch(inner):
        tokens.append(Token("text", inner.replace("{", "").replace("}", "").replace("\\cdot", "*"), spaced))
    elif inner == "min" or re.fullmatch(r"(?:[A-Za-z]\.\s?){2,}", inner):  # minutes, p.m.
        tokens.append(Token("text", inner, spaced))
    elif (
        inner in NAMES
        or inner in ("d",)
        or not re.search(r"[A-Za-z]{2}", _CONNECTIVES.sub("", inner) if re.search(r"\d", inner) else inner)
        or "\\" in inner
        or "=" in inner
    ):
        tokens.extend(tokenize(inner)[:-1])
    elif re.fullmatch(r"[A-Z]{2}", inner):
        tokens.extend(Token("sym", letter, False) for letter in inner)
    elif re.fullmatch(r",?\s*(?:and|or|And|Or|AND|OR),?", inner):
        tokens.append(Token("name", inner.strip(", ").lower(), True))
    else:
        tokens.append(Token("text", inner, spaced))


_CLEAR_UNITS: Final = words("cm mm km dm kg mg mL ml kJ kW Hz kHz MHz Pa kPa mol mph inches feet cents hours minutes")
_HALF_DAYS: Final = frozenset(("AM", "PM", "am", "pm"))


def _follows_value(tokens: list[Token]) -> bool:
    return bool(tokens) and (tokens[-1].kind == "num" or tokens[-1].text in (")", "]", "}", "\\pi"))


def _is_unit(text: str) -> bool:
    return canonical_unit(text.replace("\\cdot", "*").replace("\\", "")) is not None


def _letters(run: str, tokens: list[Token], spaced: bool, behind: str) -> None:
    """A run of letters before `behind`: a known name, a unit behind a number, a word, or a product of symbols."""
    if run in _ACCENTS and behind == "{":
        tokens.append(Token("macro", f"\\{run}", spaced))  # `bar{x}`, as sympy prints it
        return
    last = tokens[-1] if tokens else END
    behind_number = last.kind in ("num", "text", "word") and (spaced or run in UNIT_WORDS)
    if (last.kind == "num" or last.text in (")", "]", "}")) and (glued := _GLUED_CONNECTIVE.fullmatch(run)):
        tokens.append(Token("name", glued[1], True))  # `W=1orW=-1`
        run, spaced = run[glued.end(1) :], False
        if not run:
            return
    if run in NAMES or run.lower() in ("and", "or"):
        unit = run == "min" and behind_number
        tokens.append(
            Token("text", run, spaced) if unit else Token("name", run if run in NAMES else run.lower(), spaced)
        )
    elif run in PLAIN_WORDS and not (behind_number and run in UNIT_WORDS):
        tokens.append(Token("word", run, spaced))
    elif (
        (len(run) > 1 and behind_number and (run in UNIT_WORDS or (len(run) > 2 and run.islower())))
        or (run in _CLEAR_UNITS and last.text in (")", "]", "}") and not spaced)
        or (run in _HALF_DAYS and last.kind == "num")
    ):
        tokens.append(Token("text", run, spaced))
    elif len(run) > 1 and run in UNIT_WORDS and spaced and (last.text in (")", "]", "}") or last.text == "\\pi"):
        tokens.append(Token("text", run, spaced))  # `10\\sqrt{3} cm`
    elif (name := next((name for name in _SPLITTERS if run.startswith(name)), "")) and 0 < len(run) - len(name) < 3:
        tokens.append(Token("name", name, spaced))
        tokens.extend(Token("sym", letter, False) for letter in run[len(name) :])
    elif len(run) > 3 and (run[1:].islower()):
        tokens.append(Token("word", run, spaced))
    else:
        tokens.extend(Token("sym", letter, spaced and not index) for index, letter in enumerate(run))


def _word_of_other_script(text: str, at: int, tokens: list[Token], spaced: bool) -> int:
    """A run of letters outside of ASCII is a word; any other character is outside of the grammar."""
    end = at
    while end < len(text) and text[end].isalpha() and not text[end].isascii():
        end += 1
    if end == at:
        raise ParseError(f"unexpected character {text[at]!r}")
    tokens.append(Token("text" if tokens and tokens[-1].kind == "num" else "word", text[at:end], spaced))
    return end
