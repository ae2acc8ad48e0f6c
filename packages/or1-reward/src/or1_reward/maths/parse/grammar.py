"""Tables of the parser of answers: what LaTeX commands (macros) and function names mean."""

from __future__ import annotations

from typing import Final

from or1_reward.maths.parse.nodes import INFINITY, PI, E, I, Node, sym
from or1_reward.maths.parse.vocabulary import FUNCTIONS, SPACE_MACROS, TEXT_MACROS, words

GREEK: Final = frozenset(
    [
        "alpha",
        "beta",
        "gamma",
        "delta",
        "epsilon",
        "varepsilon",
        "zeta",
        "eta",
        "theta",
        "vartheta",
        "iota",
        "kappa",
        "lambda",
        "mu",
        "nu",
        "xi",
        "omicron",
        "rho",
        "varrho",
        "sigma",
        "varsigma",
        "tau",
        "upsilon",
        "phi",
        "varphi",
        "chi",
        "psi",
        "omega",
        "Gamma",
        "Delta",
        "Theta",
        "Lambda",
        "Xi",
        "Pi",
        "Sigma",
        "Upsilon",
        "Phi",
        "Psi",
        "Omega",
        "hbar",
        "ell",
        "nabla",
        "partial",
        "odot",
        "oplus",
        "star",
        "ast",
        "bullet",
        "aleph",
        "imath",
        "jmath",
        "Re",
        "Im",
        "square",
        "triangle",
        "dagger",
        "dots",
        "ldots",
        "cdots",
        "dotsc",
        "dotsb",
        "dotsm",
        "vdots",
        "ddots",
        "emptyset",
        "varnothing",
        "mho",
        "wp",
        "top",
        "bot",
        "heartsuit",
        "spadesuit",
        "diamond",
        "diamondsuit",
        "clubsuit",
        "bigstar",
        "prime",
        "circ",
        "versi",
        "versj",
        "versk",
    ]
)
"""Names that are read as symbols, Greek letters or not."""
ALIASES: Final = {
    "varepsilon": "epsilon",
    "vartheta": "theta",
    "varphi": "phi",
    "varrho": "rho",
    "varsigma": "sigma",
    "ldots": "dots",
    "cdots": "dots",
    "dotsc": "dots",
    "dotsb": "dots",
    "dotsm": "dots",
}
"""Symbol -> the one that it is read as."""
CONSTANTS: Final[dict[str, Node]] = {
    "pi": PI,
    "e": E,
    "i": I,
    "infty": INFINITY,
    "infinity": INFINITY,
    "inf": INFINITY,
    "oo": INFINITY,
    "exponentialE": E,
    "imaginaryI": I,
}
EMPTY_SET: Final = Node("set", ())
FRACTIONS: Final = frozenset(["frac", "dfrac", "tfrac", "cfrac", "sfrac", "nicefrac"])
BINOMIALS: Final = frozenset(["binom", "dbinom", "tbinom"])
RELATIONS: Final = {
    "=": "=",
    "==": "=",
    "<": "<",
    ">": ">",
    "<=": "<=",
    ">=": ">=",
    "!=": "!=",
    "le": "<=",
    "leq": "<=",
    "leqslant": "<=",
    "leqq": "<=",
    "ge": ">=",
    "geq": ">=",
    "geqslant": ">=",
    "geqq": ">=",
    "lt": "<",
    "gt": ">",
    "ne": "!=",
    "neq": "!=",
    "approx": "~",
    "simeq": "~",
    "sim": "~",
    "cong": "~",
    "approxeq": "~",
    "in": "in",
    "equiv": "=",
    "colon": ":",
    "to": "to",
    "rightarrow": "to",
    "longrightarrow": "to",
    "mapsto": "to",
    "mid": "|",
    "implies": "to",
    "Rightarrow": "to",
    "Longrightarrow": "to",
    "iff": "to",
    "subset": "subset",
    "subseteq": "subset",
    "notin": "notin",
    "propto": "propto",
    "supset": "supset",
    "supseteq": "supset",
    "subseteqq": "subset",
    "parallel": "parallel",
    "perp": "perp",
    "coloneqq": "=",
    "doteq": "~",
    "thickapprox": "~",
    "Leftrightarrow": "to",
    "leftrightarrow": "to",
}
"""Sign or command -> the relation or arrow that it is read as."""
TIMES: Final = frozenset(["cdot", "times", "ast", "bullet"])
DIVIDE: Final = frozenset(["div"])
SET_OPERATORS: Final = {
    "cup": "union",
    "bigcup": "union",
    "union": "union",
    "Union": "union",
    "cap": "inter",
    "bigcap": "inter",
    "setminus": "minus",
    "backslash": "minus",
    "smallsetminus": "minus",
}
FUNCTION_NAMES: Final = {
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "acot": "arccot",
    "asec": "arcsec",
    "acsc": "arccsc",
    "arsinh": "arcsinh",
    "arcosh": "arccosh",
    "artanh": "arctanh",
    "asinh": "arcsinh",
    "acosh": "arccosh",
    "atanh": "arctanh",
    "Abs": "abs",
    "Max": "max",
    "Min": "min",
    "ceiling": "ceil",
    "sign": "sgn",
    "tg": "tan",
    "ctg": "cot",
    "cosec": "csc",
    "arctg": "arctan",
    "arcctg": "arccot",
    "sh": "sinh",
    "ch": "cosh",
    "th": "tanh",
    "hcf": "gcd",
    "ln": "ln",
}
"""Other spelling -> the function."""
INVERSES: Final = {
    "sin": "arcsin",
    "cos": "arccos",
    "tan": "arctan",
    "cot": "arccot",
    "sec": "arcsec",
    "csc": "arccsc",
    "sinh": "arcsinh",
    "cosh": "arccosh",
    "tanh": "arctanh",
}
"""Function -> the one that it is with exponent -1, as in `\\sin^{-1} x`."""
_PLAIN_ONLY: Final = frozenset(
    ["Abs", "Max", "Min", "acot", "acsc", "asec", "binomial", "cbrt", "factorial", "mod", "root", "sign", "sqrt"]
)
"""Names that are functions in plain text only: as a command they are read elsewhere (`\\sqrt`) or unknown."""
_MACRO_ONLY: Final = frozenset(["arcctg", "arctg", "ch", "cosec", "ctg", "hcf", "sh", "tg", "th"])
"""Names from other countries' textbooks that are functions as a command only: plain `tg` is a product of letters."""
MACRO_FUNCTIONS: Final = FUNCTIONS - _PLAIN_ONLY | _MACRO_ONLY
LIST_FUNCTIONS: Final = frozenset(["max", "min", "gcd", "lcm"])
"""Functions of any number of arguments."""
SYMPY_SETS: Final = {"Union": "union", "Intersection": "inter", "Complement": "minus"}
SYMPY_CALLS: Final = frozenset(["Matrix", "Rational", "FiniteSet", "Interval", "Eq", "binom", "binomial", *SYMPY_SETS])
"""Calls in answers that sympy printed, such as `Rational(1, 2)`."""
OPEN_ENDS: Final = {"open": "()", "Lopen": "(]", "Ropen": "[)"}
"""Method of sympy's `Interval` -> the brackets of the interval."""
OPAQUE_LETTERS: Final = frozenset("fghFGH")
"""Letters that name an unknown function where a bracket follows: `f(x)` is no product."""
NUMBER_SETS: Final = {"R": "reals", "Z": "integers", "N": "naturals", "Q": "rationals", "C": "complexes"}
"""Letter in `\\mathbb` -> the set of numbers."""
CLOSERS: Final = {"(": (")", "]"), "[": ("]", ")"), "{": ("}",), "\\{": ("\\}",)}
"""Opening bracket -> the closing ones that may end it; `(0, 1]` is an interval."""
MATRICES: Final = frozenset(["matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "array"])
ALIGNMENTS: Final = frozenset(
    ["aligned", "align", "align*", "gathered", "split", "cases", "equation", "equation*", "gather", "gather*"]
)


def greek(name: str) -> Node:
    """The symbol a Greek or other letter-like macro stands for."""
    return sym(ALIASES.get(name, name))


_OTHER_MACROS: Final = words(
    "sqrt overline bar vec hat widehat tilde overrightarrow dot ddot widetilde angle measuredangle overarc overset "
    "underline underbrace overbrace lfloor rfloor lceil rceil lvert rvert lVert rVert langle rangle mathbb mathbf "
    "mathcal mathfrak mathscr not mathop sum prod int lim pm mp pmod bmod mod land lor wedge vee begin end hline "
    "choose over degree textdegree boxed fbox variable neg lnot"
)
MACROS: Final = frozenset(
    {*GREEK, *CONSTANTS, *FRACTIONS, *BINOMIALS, *RELATIONS, *TIMES, *DIVIDE, *SET_OPERATORS, *MACRO_FUNCTIONS}
    | _OTHER_MACROS
    | SPACE_MACROS
    | TEXT_MACROS
)
"""Every LaTeX command that the parser knows."""
