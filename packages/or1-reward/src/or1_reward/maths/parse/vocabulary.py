"""The words of the grammar: function names, units, spacing and font commands, words of plain English."""

from __future__ import annotations

from typing import Final


def words(text: str) -> frozenset[str]:
    """The words of a text as a set."""
    return frozenset(text.split())


FUNCTIONS: Final = words(
    "sin cos tan cot sec csc sinh cosh tanh coth sech csch arcsin arccos arctan arccot arcsec arccsc arsinh "
    "arcosh artanh asin acos atan acot asec acsc asinh acosh atanh arcsinh arccosh arctanh ln lg log exp sqrt "
    "cbrt abs max min gcd lcm floor ceil ceiling factorial binomial det Abs Max Min arg Re Im sgn sign mod root "
    "cis diag"
)
"""Names of functions, as plain words and as LaTeX commands."""
_OTHER_NAMES: Final = words(
    "pi infinity infty inf oo and or union Union Intersection Complement Matrix Rational Interval FiniteSet Eq "
    "frac binom alpha beta gamma theta lambda mu sigma omega phi"
)
"""Words that are no functions and have a meaning of their own."""
NAMES: Final = FUNCTIONS | _OTHER_NAMES
"""Words that are not products of their letters."""
UNIT_WORDS: Final = words(
    "mm cm dm km ft mi yd oz lb lbs kg mg ml mL hr hrs min mins sec secs ms kHz Hz mph kmh kph rpm kJ kW MW eV "
    "keV MeV GeV mol Pa kPa atm pct deg rad sq cu usd USD cents cent year years day days inch inches foot feet"
)
"""Short words that are units behind a number."""
SPACE_MACROS: Final = words(
    "quad qquad thinspace medspace thickspace negthinspace negmedspace negthickspace enspace hspace "
    "displaystyle space nobreak allowbreak mathstrut strut"
)
"""Commands that only make a blank."""
TEXT_MACROS: Final = words(
    "text textbf textit textrm textsf texttt mathrm mathbf mathit mathsf mathtt mbox hbox operatorname "
    "textnormal boldsymbol bold bm mathbfit pmb emph textsl textup rm bf it"
)
"""Commands that set their argument in another font."""
PLAIN_WORDS: Final = words(
    "if else No no not Not all All any Any are Are the The for For when When where Where there There"
    " None none only Only"
)
"""Words of English that are no products of their letters."""
COUNTS: Final = (
    *("zero", "one", "two", "three", "four", "five", "six"),
    *("seven", "eight", "nine", "ten", "eleven", "twelve"),
)
"""Number words: the word at place n says n."""
